"""Make the pictures about damage, from photos that the gradio package brings along.

python docs/pictures/make_damage.py
"""

import cv2
import numpy as np
import torch
from make import HERE, shipped

from benchmarks.damage.drawings import draw_damage
from remend.app.engine.model_pool import ModelPool
from remend.models.device import choose_placement
from remend.models.imaging.files import write_picture
from remend.models.imaging.picture import Picture, Pixels
from remend.models.inference.restorer import FillOptions
from remend.training.data.damage_kinds import DAMAGE
from remend.training.data.damaged_print import DamageConfig, damage_prints


def kinds() -> None:
    """Write damage-kinds.jpg: a row a kind, four draws each, as a network is shown them."""
    names = ("cheetah.jpg", "lion.jpg", "tower.jpg", "cheetah1.jpg")
    photos = [
        np.asarray(cv2.resize(shipped(name).rgb[:190, :190], (160, 160)), np.uint8)
        for name in names
    ]
    crops = torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).contiguous()
    cells: list[Pixels] = []
    for number, name in enumerate(DAMAGE):
        config = DamageConfig({name: 1.0}, clean_share=0.0, soft_share=0.0, frame_share=0.0)
        random = torch.Generator().manual_seed(number)
        scans = damage_prints(crops, config, random).scans.permute(0, 2, 3, 1).numpy()
        row = np.hstack(list(scans[:2])).copy()
        cv2.putText(row, name, (6, 152), cv2.FONT_HERSHEY_DUPLEX, 0.5, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(row, name, (6, 152), cv2.FONT_HERSHEY_DUPLEX, 0.5, (255,) * 3, 1, cv2.LINE_AA)
        cells.append(row)
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % 3)
    sheet = np.vstack([np.hstack(cells[i : i + 3]) for i in range(0, len(cells), 3)])
    write_picture(Picture(np.asarray(sheet, np.uint8)), HERE / "damage-kinds.jpg", quality=85)


def album(pool: ModelPool) -> None:
    """Write album.jpg: photos that were damaged by program, what is found, and what is made of them."""
    rows: list[Pixels] = []
    for name, damage, seed in (
        ("tower.jpg", ("missing flakes", "dust"), 3),
        ("cheetah.jpg", ("crack trees", "dust"), 8),
    ):
        given = shipped(name).rgb[:260, :390]
        for kind in damage:
            given = draw_damage(np.asarray(given, np.uint8), kind, seed).photo
        picture = Picture(np.ascontiguousarray(given))
        mask = pool.find_damage(picture, "damage").mask(0.5)
        filled = pool.fill(picture, mask, "fill", FillOptions())
        found = np.where(mask.values[..., None] > 0, np.array((255, 45, 111), np.uint8), given)
        strip = [cv2.resize(x, (390, 260)) for x in (given, found, filled.rgb)]
        rows.append(np.asarray(np.hstack(strip), np.uint8))
    write_picture(Picture(np.asarray(np.vstack(rows), np.uint8)), HERE / "album.jpg", quality=88)


if __name__ == "__main__":
    kinds()
    album(ModelPool([choose_placement()]))
