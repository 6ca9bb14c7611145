import pytest

from misfire.core.errors import IntegrityError, MisfireError, UsageError


@pytest.mark.parametrize(("error", "code"), [(MisfireError, 1), (UsageError, 2), (IntegrityError, 3)])
def test_exit_codes_are_the_documented_ones(error: type[MisfireError], code: int) -> None:
    assert error("x").exit_code == code
