"""Processors that a machine can stand in for: environment variables that keep the libraries off newer instructions.

"avx2" is a processor of about 2015 to 2020, without AVX-512 and bfloat16; "old" is one that has only what every 64-bit
processor has, and a single thread. The variables are read when torch is imported, so they are for a new process.
"""

SETTINGS = {
    "as it is": {},
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
    "old": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OMP_NUM_THREADS": "1",
    },
}
