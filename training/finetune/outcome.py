"""What a fine-tune came to: the scores of the parent and of the new file, and the gain in words.

How it came to that is in `training.finetune.finetuner`.
"""

from dataclasses import dataclass

from remend.training.finetune.validation import Score

LEAST_GAIN_DB = 0.01
"""What counts as better: smaller differences are rounding."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Scores of the parent and of the file.

    Attributes:
        before: The parent's.
        after: The file's.
        photos: Held-out photos that both were measured on.
        crops: Crops of these photos.
    """

    before: Score
    after: Score
    photos: int
    crops: int

    @property
    def has_gained(self) -> bool:
        """Whether the file is better than the parent."""
        return is_better(self.after, self.before)

    @property
    def sentence(self) -> str:
        """The gain in words."""
        before, after = shown(self.before), shown(self.after)
        where = f"on {self.photos} held-out photo{'s' * (self.photos != 1)} ({self.crops} crops)"
        looks = ""
        if before.distance is not None and after.distance is not None:
            looks = (
                f", perceptual distance {before.distance:.4f} before, {after.distance:.4f} after"
                f" ({after.distance / max(before.distance, 1e-9) - 1:+.1%})"
            )
        if not self.has_gained:
            return (
                f"No gain: nothing scored better than the parent {where}: {before.psnr:.2f} dB{looks}; "
                "so the file holds the parent's weights unchanged."
            )
        gain = after.psnr - before.psnr
        return f"{gain:+.2f} dB {where}: {before.psnr:.2f} before, {after.psnr:.2f} after{looks}."


def shown(score: Score) -> Score:
    """The score with the PSNR that is said: without texture, where a network has texture to be dialled."""
    return score if score.plain_psnr is None else score._replace(psnr=score.plain_psnr)


def compare(score: Score, parent: Score) -> str:
    """How far a score is from the parent's, in words."""
    words = f"{shown(score).psnr - shown(parent).psnr:+.2f} dB"
    if score.distance is not None and parent.distance:
        return f"{words}, perceptual distance {score.distance / parent.distance - 1:+.1%}"
    return words


def is_better(score: Score, other: Score) -> bool:
    """Whether a score is better than another by more than rounding."""
    return score.value > other.value + LEAST_GAIN_DB
