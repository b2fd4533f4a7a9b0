"""LPIPS is the package's business; ours is the sentence when it cannot be had."""

from pathlib import Path
from urllib.error import URLError

import pytest

from remend.models.errors import RequestError
from remend.training.evaluation.lpips import load_lpips


def test_offline_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(RequestError, match=r"score without LPIPS\.$"):
        load_lpips()
