"""A crash while writing leaves the old file."""

import os
import stat

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from course_utils.files import atomic_path, save_tensors, write_atomically


def test_a_new_file_and_its_folder(tmp_path):
    write_atomically(tmp_path / "a" / "b.txt", b"new")
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"new"


posix = pytest.mark.skipif(os.name != "posix", reason="Windows knows no such modes")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@posix
@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077, 0o002])
def test_a_new_file_has_the_mode_of_any_new_file(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "new.txt", b"new")
    finally:
        os.umask(before)
    assert mode(tmp_path / "new.txt") == 0o666 & ~umask


@posix
def test_a_writer_that_puts_its_own_file_there_does_not_change_the_mode(tmp_path):
    plain = tmp_path / "plain.txt"
    plain.touch()
    with atomic_path(tmp_path / "new.txt") as temporary:
        own = tmp_path / "own"
        own.touch(mode=0o600)
        own.replace(temporary)
    assert mode(tmp_path / "new.txt") == mode(plain)


@posix
def test_the_umask_of_the_process_is_never_touched(tmp_path, monkeypatch):
    """Another thread may create a file meanwhile."""
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail(f"os.umask({mask:o})"))
    write_atomically(tmp_path / "new.txt", b"new")


@posix
@pytest.mark.parametrize("kept", [0o600, 0o640, 0o755, 0o444])
def test_a_replaced_file_keeps_its_mode(tmp_path, kept):
    path = tmp_path / "old.txt"
    path.write_bytes(b"old")
    path.chmod(kept)
    write_atomically(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", kept)


@posix
@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_its_target_is_replaced(tmp_path, there):
    target, link = tmp_path / "far" / "target.txt", tmp_path / "link.txt"
    target.parent.mkdir()
    if there:
        target.write_bytes(b"old")
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert os.listdir(target.parent) == ["target.txt"]


def test_an_error_while_writing_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "kept.txt"
    write_atomically(path, b"old")

    def write_half():
        with atomic_path(path) as temporary:
            temporary.write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["kept.txt"]


def test_the_file_is_moved_into_place_in_one_step(tmp_path, monkeypatch):
    path = tmp_path / "kept.txt"
    write_atomically(path, b"old")

    def crash(*_):
        raise OSError("power cut")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(OSError, match="power cut"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["kept.txt"]


# tensors


def test_tensors_come_back_bit_by_bit_whatever_their_layout(tmp_path):
    path = tmp_path / "new folder" / "tensors.safetensors"
    tensors = {
        "transposed": torch.arange(6.0).reshape(2, 3).T,
        "learned": torch.ones(2, dtype=torch.bfloat16, requires_grad=True),
        "scalar": torch.tensor(3),
    }
    save_tensors(path, tensors, {"step": "5"})
    back = load_file(path)
    assert back.keys() == tensors.keys()
    for name, tensor in tensors.items():
        torch.testing.assert_close(back[name], tensor.detach(), rtol=0, atol=0)
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"format": "pt", "step": "5"}
    assert os.listdir(path.parent) == [path.name]


@posix
def test_a_full_disk_is_an_os_error_that_names_the_file_and_leaves_the_old_one(tmp_path):
    import resource

    path = tmp_path / "tensors.safetensors"
    save_tensors(path, {"old": torch.zeros(1)})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match=r"can't write .*tensors\.safetensors: "):
            save_tensors(path, {"new": torch.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert load_file(path).keys() == {"old"}
    assert os.listdir(tmp_path) == [path.name]
