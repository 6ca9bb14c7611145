import pytest

from misfire.core import hub


def test_an_unreachable_hub_is_not_asked_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    def nowhere(*_: object, **__: object) -> None:
        raise OSError("Name or service not known")

    seen = []
    monkeypatch.setattr(hub.socket, "getaddrinfo", nowhere)
    for proxies in ({}, {"https": "proxy:3128"}):
        monkeypatch.setattr(hub, "getproxies", lambda proxies=proxies: proxies)
        with hub.offline_if_unreachable():
            seen.append(constants.HF_HUB_OFFLINE)
    assert seen == [True, constants.HF_HUB_OFFLINE]
