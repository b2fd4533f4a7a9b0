"""The page's services on a visitor's folder, without a server."""

from pathlib import Path

import pytest

from remend.app.engine.model_pool import ModelPool
from remend.app.page.repair.masks import MaskService
from remend.app.page.repair.photo_sessions import PhotoSessions
from remend.app.page.repair.repair_tab import RepairService
from remend.app.page.work.jobs import Jobs


@pytest.fixture
def sessions(upload_folder: Path) -> PhotoSessions:
    return PhotoSessions(upload_folder / "photos", max_megapixels=1.0)


@pytest.fixture
def repair(pool: ModelPool, sessions: PhotoSessions) -> RepairService:
    return RepairService(pool, sessions, Jobs())


@pytest.fixture
def masks(pool: ModelPool, sessions: PhotoSessions) -> MaskService:
    return MaskService(pool, sessions, Jobs())
