"""The tasks that a recipe can name, in one table: a new kind of generator is one more class in it."""

from remend.training.engine.tasks.damage import DamageTask
from remend.training.engine.tasks.fill import FillTask
from remend.training.engine.tasks.generate import GenerateTask
from remend.training.engine.tasks.task import Task
from remend.training.engine.tasks.upscale import UpscaleTask

TASKS: dict[str, type[Task]] = {
    "fill": FillTask,
    "upscale": UpscaleTask,
    "damage": DamageTask,
    "generate": GenerateTask,
}
