"""A bad argument is refused by an error that names it and its value."""

import numpy as np
import pytest
import torch

from course_utils.checks import no_tensor, number, whole_number


@pytest.mark.parametrize("value", [7, np.int64(7), np.array(7), torch.tensor(7)])
def test_whole_numbers_of_every_library_become_an_int(value):
    number = whole_number("n", value, least=7, most=7)
    assert (number, type(number)) == (7, int)


def test_without_bounds_every_whole_number_passes():
    assert [whole_number("n", value) for value in (-(10**30), 0, 10**30)] == [-(10**30), 0, 10**30]


@pytest.mark.parametrize("value", [2.0, "2", None, True, 1j, [2], np.float32(2), torch.tensor(2.0)])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(ValueError, match=r"^n must be a whole number, got ") as caught:
        whole_number("n", value)
    assert str(caught.value).endswith(repr(value))


def test_a_number_out_of_bounds_is_refused():
    with pytest.raises(ValueError, match=r"^order must be at least 1, got 0$"):
        whole_number("order", 0, least=1)
    with pytest.raises(ValueError, match=r"^order must be at most 5, got 6$"):
        whole_number("order", 6, 1, 5)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), torch.tensor(2.0)])
def test_numbers_of_every_library_become_a_float(value):
    assert (number("n", value), type(number("n", value))) == (2.0, float)


@pytest.mark.parametrize("value", ["2", None, 1j, [2], 10**400])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match=r"^n must be a number, got "):
        number("n", value)


def test_what_is_no_tensor_is_shown_in_short():
    message = str(no_tensor("ids", list(range(1000))))
    assert message.startswith("ids must be a tensor, got a list, [0, 1, 2,")
    assert len(message) < 120
