"""The options of the commands that train and evaluate, as ``app.cli.options`` has those of the others."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

# train
Recipe = Annotated[
    str, Argument(metavar="RECIPE", help="A .toml file, or the name of a shipped recipe.")
]
Data = Annotated[
    list[Path], Option(metavar="PATH", help="A folder of photos or a .tar shard; can be repeated.")
]
Out = Annotated[Path, Option(metavar="RUN", help="The folder that records the run.")]
Settings = Annotated[
    list[str] | None, Option("--set", metavar="KEY=VALUE", help="Change a value of the recipe.")
]
ResumeRun = Annotated[bool, Option("--resume", help="Continue the run in RUN.")]

# finetune
TunedTask = Annotated[str, Argument(metavar="fill|upscale", help="What is fine-tuned.")]
TunedWeights = Annotated[
    Path,
    Option(
        "--output", "--out", "-o", metavar="NAME.safetensors", help="The weights file to write."
    ),
]
Parent = Annotated[
    str | None,
    Option(
        "--from", metavar="NAME|PATH", help="Weights to start from; fill or the x4 ones by default."
    ),
]
Minutes = Annotated[
    float | None, Option(metavar="M", help="Time for everything, in minutes; 20 by default.")
]
Images = Annotated[int | None, Option(metavar="N", help="End after N training crops instead.")]
Adapter = Annotated[
    bool,
    Option("--adapter", help="Train a small adapter; --strength sets how much of it is applied."),
]
Texture = Annotated[
    bool,
    Option("--texture", help="Teach a fill's texture too, against the discriminators beside it."),
]
ResumeTuning = Annotated[bool, Option("--resume", help="Continue a fine-tune that was stopped.")]

Validate = Annotated[
    list[Path] | None,
    Option(metavar="PATH", help="Photos to validate on, instead of a part of --data."),
]
HoleMasks = Annotated[
    Path | None,
    Option(
        "--masks", metavar="PATH", help="Masks of your own whose holes a fill learns, white = fill."
    ),
]
Pairs = Annotated[
    Path | None,
    Option(
        "--pairs",
        metavar="PATH",
        help="Low-resolution pictures, called as the photos, that an upscale learns from.",
    ),
]

# evaluate
EvaluatedTask = Annotated[str, Argument(metavar="fill|upscale", help="What is scored.")]
EvaluationData = Annotated[
    list[Path],
    Option(
        "--data",
        metavar="FOLDER",
        help="Folder of photos; for fill also truth/NAME.* with mask/NAME_FAMILY.png.",
    ),
]
WholeScale = Annotated[
    int, Option("--scale", "-s", metavar="S", help="Photos are first reduced by this factor.")
]
Against = Annotated[
    str | None,
    Option(metavar="NAME,...", help="Methods to compare with, such as bicubic; by default all."),
]
Lpips = Annotated[
    bool, Option("--lpips", help="Also the perceptual distance LPIPS; downloads AlexNet once.")
]
JsonTable = Annotated[bool, Option("--json", help="Print JSON.")]
Markdown = Annotated[bool, Option("--markdown", help="Print a Markdown table, the default.")]

# lab
Techniques = Annotated[
    list[str] | None,
    Argument(metavar="[TECHNIQUE]...", help="Such as r1 or generator.norm; all by default."),
]
LabOut = Annotated[
    Path, Option("--out", metavar="FOLDER", help="Folder for figures and results.json.")
]
LabPage = Annotated[
    Path | None,
    Option("--page", metavar="FILE", help="Page to write; techniques.md in FOLDER by default."),
]
LabData = Annotated[
    list[Path] | None,
    Option("--data", metavar="PATH", help="Photos; by default the few that gradio ships."),
]
LabValidate = Annotated[
    list[Path] | None,
    Option("--validate", metavar="PATH", help="Photos to judge on, instead of two of --data."),
]
