"""The handle through which a run is steered from outside its loop.

Whoever decides how long a run goes on, which of its states is kept and when it goes back (a fine-tune does)
needs no more than this of a `Trainer`: numbers, the averaged network, and states to save and to load.
"""

import copy

from torch import nn

from remend.models.checkpoints.checkpoint import Card
from remend.models.device import Placement
from remend.models.progress import Progress
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.pretrained import StartingPoint
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.run_state import RunState
from remend.training.engine.trainer import AfterStep, Trainer
from remend.training.engine.watch.guard import Guard
from remend.training.recipe.schema import Recipe


class TrainingControl:
    """What may be known of a run and done to it.

    Args:
        trainer: The run.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer

    @property
    def state(self) -> RunState:
        """Images seen and planned, seconds, scale of the rates, notes; always the same object."""
        return self._trainer.state

    @property
    def recipe(self) -> Recipe:
        """What is trained."""
        return self._trainer.recipe

    @property
    def folder(self) -> RunFolder:
        """Where the run is recorded."""
        return self._trainer.folder

    @property
    def placement(self) -> Placement:
        """Device and precision."""
        return self._trainer.placement

    @property
    def start(self) -> StartingPoint:
        """What the networks took over from the recipe's parent."""
        return self._trainer.start

    @property
    def training_photos(self) -> int:
        """How many photos are trained on."""
        return len(self._trainer.photos)

    @property
    def held_out(self) -> PhotoStore:
        """The photos that are never trained on."""
        return self._trainer.held_out

    @property
    def has_discriminator(self) -> bool:
        """Whether the generator trains against one."""
        return self._trainer.adversary.network is not None

    @property
    def generator_tensors(self) -> list[str]:
        """Names of the generator's tensors."""
        return list(self._trainer.generator.state_dict())

    @property
    def averaged(self) -> nn.Module:
        """The network that is shipped: the generator's weights, averaged."""
        return self._trainer.ema.network

    def card(self) -> Card:
        """What the weights of this moment say about themselves."""
        return self._trainer.card()

    def run(self, progress: Progress, after_step: AfterStep) -> None:
        """Train until all planned images are seen; as `Trainer.run`."""
        self._trainer.run(progress, after_step)

    def stop(self) -> None:
        """End the run after this step."""
        self.state.images = self.state.images_seen

    def save(self) -> None:
        """Write weights and resumable state to the run's folder."""
        self._trainer.save()

    def resume(self) -> None:
        """Go on from what is in the run's folder; errors as `Trainer.resume`."""
        self._trainer.resume()

    @property
    def guard(self) -> Guard:
        """Keeps the last good state, and goes back to it."""
        return self._trainer.guard

    def hand_over(self, follower: "TrainingControl") -> None:
        """Let another run go on where this one is, with the networks of the last good state of this one."""
        good = copy.deepcopy(self.guard.good)
        follower._trainer.load_state({**good, **self._trainer.moment()})
        follower.state.images = self.state.images
