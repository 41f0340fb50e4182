"""Shapes of small transformers, drawn by hypothesis."""

from hypothesis import strategies as st

from course_utils.transformer import TransformerConfig

configs = st.builds(
    lambda heads, groups, width, d_ff, layers, vocabulary, tied: TransformerConfig(
        vocabulary, heads * groups * width * 2, layers, heads * groups, heads, d_ff, 32, tie_embeddings=tied
    ),
    *(st.integers(1, 3) for _ in range(3)),
    st.integers(1, 20),
    st.integers(1, 3),
    st.integers(2, 30),
    st.booleans(),
)
