"""Every option of every command: its names, aliases and help, each written once.

The aliases are those of realesrgan-ncnn-vulkan (-i -o -n -s -t -g -f) and IOPaint (--image --mask
--output), so that existing scripts need no new habits. Nothing heavy is imported here.
"""

from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Exit, Option

from remend import __version__
from remend.models.device_names import PrecisionName


def print_version(asked: bool) -> None:
    """Print the version where it is asked for, and end the program."""
    if asked:
        print(f"remend {__version__}")
        raise Exit


_SIZE, _FILES, _GENERAL = "Size of the result", "Files", "General"

# What several commands take.
Model = Annotated[
    str | None,
    Option("--model", "-n", metavar="NAME|PATH", help="Weights; `remend models` lists them."),
]
Output = Annotated[
    str,
    Option(
        "--output", "-o", metavar="OUT", help="A folder, or its URL; for one photo also a file."
    ),
]
FormatName = Literal["auto", "jpg", "jpeg", "png", "webp", "tiff"]
Format = Annotated[
    FormatName,
    Option(
        "--format",
        "-f",
        help="Of files in a folder; auto = the input's own where it is written, else PNG.",
        rich_help_panel=_FILES,
    ),
]
Quality = Annotated[
    int,
    Option(
        metavar="1..100", help="Of JPEG and WebP; WebP 100 is lossless.", rich_help_panel=_FILES
    ),
]
StripMetadata = Annotated[
    bool,
    Option(
        "--strip-metadata",
        help="Leave out EXIF, XMP and dpi; the colour profile stays.",
        rich_help_panel=_FILES,
    ),
]
Device = Annotated[
    str,
    Option(
        "--device",
        "-g",
        metavar="auto|cpu|cuda|mps|N",
        help="Where networks run; numbers are GPUs, as 0 or 0,1; -1 the CPU.",
        rich_help_panel=_GENERAL,
    ),
]
Precision = Annotated[
    PrecisionName, Option(help="Of the networks' arithmetic.", rich_help_panel=_GENERAL)
]
Threads = Annotated[
    int | None,
    Option(metavar="N", help="CPU threads; one a core if left out.", rich_help_panel=_GENERAL),
]
Quiet = Annotated[
    bool, Option("--quiet", help="Say only what goes wrong.", rich_help_panel=_GENERAL)
]
Json = Annotated[
    bool,
    Option("--json", help="One JSON object for each input on stdout.", rich_help_panel=_GENERAL),
]
Debug = Annotated[
    bool, Option("--debug", help="Show warnings and tracebacks.", rich_help_panel=_GENERAL)
]
Version = Annotated[
    bool,
    Option("--version", callback=print_version, is_eager=True, help="Print the version and exit."),
]

# fill
Photo = Annotated[str | None, Argument(metavar="IN", help="A photo, or a folder of photos.")]
PhotoOption = Annotated[
    str | None, Option("--input", "--image", "-i", metavar="IN", help="The same as IN.")
]
Mask = Annotated[
    str,
    Option(
        metavar="MASK",
        help="White = fill. One file for all, or a folder: photo.mask.png or photo.png for photo.jpg.",
    ),
]
InvertMask = Annotated[bool, Option("--invert-mask", help="Black = fill.")]
Grow = Annotated[int, Option(metavar="PX", help="Grow masks by so many pixels; negative = shrink.")]
Feather = Annotated[int, Option(metavar="PX", help="Blend over so many pixels outside the mask.")]
FillDetail = Annotated[
    float, Option("--detail", metavar="0..1", help="0 = likeliest colours, smooth; 1 = texture.")
]

# upscale
Inputs = Annotated[
    list[str] | None,
    Argument(metavar="IN", help="Photos, folders, globs, URLs, or - for a list on stdin."),
]
InputsOption = Annotated[
    list[str] | None, Option("--input", "-i", metavar="IN", help="The same as IN.")
]
Scale = Annotated[
    float | None,
    Option("--scale", "-s", metavar="1.5..8", help="4 if left out.", rich_help_panel=_SIZE),
]
Width = Annotated[
    int | None,
    Option(metavar="PX", help="With --height: as large as fits.", rich_help_panel=_SIZE),
]
Height = Annotated[int | None, Option(metavar="PX", rich_help_panel=_SIZE)]
Megapixels = Annotated[float | None, Option(metavar="N", rich_help_panel=_SIZE)]
UpscaleDetail = Annotated[
    float | None,
    Option("--detail", metavar="0..1", help="0 = faithful; 1 = full refine; photo models: 0.5."),
]
Tile = Annotated[
    str, Option(metavar="N|auto|0", help="Pixels of the photo at once; 0 = the whole photo.")
]
NcnnTile = Annotated[
    str | None,
    Option("-t", metavar="N", help="As --tile, but 0 = auto, as realesrgan-ncnn-vulkan has it."),
]
Recursive = Annotated[
    bool,
    Option("--recursive", "-r", help="Look into folders of folders.", rich_help_panel=_FILES),
]
Denoise = Annotated[
    float | None,
    Option(
        "--denoise",
        "-dn",
        metavar="0..1",
        help="How much noise is taken away, by models that are told; 0.5 if left out.",
    ),
]
Tta = Annotated[
    bool, Option("--tta", "-x", help="Mean over eight flips and turns: eight times as slow.")
]
SkipExisting = Annotated[
    bool,
    Option(
        "--skip-existing/--overwrite",
        help="What becomes of outputs that exist.",
        rich_help_panel=_FILES,
    ),
]
Resume = Annotated[
    bool,
    Option(
        "--resume",
        help="Skip what an earlier run made of the same photos with the same settings.",
        rich_help_panel=_FILES,
    ),
]
Suffix = Annotated[
    str, Option(metavar="TEXT", help="Added to the names of files.", rich_help_panel=_FILES)
]
OnErrorName = Literal["skip", "stop"]
OnError = Annotated[
    OnErrorName, Option(help="What follows a failed input.", rich_help_panel=_FILES)
]
DryRun = Annotated[
    bool,
    Option(
        "--dry-run", help="Print what would be written, and what it takes.", rich_help_panel=_FILES
    ),
]

Jobs = Annotated[
    str | None,
    Option(
        "--jobs",
        "-j",
        metavar="N",
        help="Photos read and written at a time beside the network; or load:proc:save.",
        rich_help_panel=_GENERAL,
    ),
]
MaxMemory = Annotated[
    str | None,
    Option(
        metavar="SIZE",
        help="Such as 2G; four fifths of what is free if left out.",
        rich_help_panel=_GENERAL,
    ),
]
Cluster = Annotated[
    str | None,
    Option(
        metavar="ADDRESS",
        help="Run the jobs on a Ray cluster, whose machines see the same folders or URLs.",
        rich_help_panel=_GENERAL,
    ),
]

# restore
FillModel = Annotated[
    str | None,
    Option(metavar="NAME|PATH", help="Weights that fill; --model are those that enlarge."),
]
RestoreFillDetail = Annotated[
    float, Option("--fill-detail", metavar="0..1", help="As --detail of fill.")
]

# ui
Host = Annotated[str, Option(help="The address to listen on.")]
Port = Annotated[int, Option(help="Its port.")]
Share = Annotated[bool, Option("--share", help="Open a public tunnel.")]
Auth = Annotated[Path | None, Option(metavar="FILE", help="Who may come in: lines user:password.")]
MaxMegapixels = Annotated[
    float | None, Option(metavar="N", help="Larger photos are refused; 100 if left out.")
]
AllowCustomWeights = Annotated[
    bool, Option("--allow-custom-weights", help="Let visitors add weights through the page.")
]

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
ResumeRun = Annotated[bool, Option("--resume", help="Go on with the run in RUN.")]

# lab
Techniques = Annotated[
    list[str] | None,
    Argument(metavar="[TECHNIQUE]...", help="Such as r1 or generator.norm; all if left out."),
]
LabOut = Annotated[Path, Option("--out", metavar="FOLDER", help="Gets figures and results.json.")]
LabPage = Annotated[
    Path | None,
    Option("--page", metavar="FILE", help="The page; techniques.md in FOLDER if left out."),
]
LabData = Annotated[
    list[Path] | None,
    Option("--data", metavar="PATH", help="Photos; if left out the few that gradio ships."),
]

# models
Weights = Annotated[str, Argument(metavar="PATH", help="A weights file, or a model's name.")]
ExportFormName = Literal["onnx", "torchscript", "fp16"]
ExportForm = Annotated[
    ExportFormName, Option("--to", help="onnx needs the extra export; fp16 is safetensors.")
]
ExportOutput = Annotated[
    Path | None,
    Option("--output", "-o", metavar="FILE", help="NAME.onnx and so on, here, if left out."),
]

# What evaluate takes.
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
    int, Option("--scale", "-s", metavar="S", help="Photos are made so much smaller first.")
]
Against = Annotated[
    str | None,
    Option(metavar="NAME,...", help="Rivals, such as bicubic,telea; all of the task if left out."),
]
Lpips = Annotated[
    bool, Option("--lpips", help="Also the perceptual distance; downloads AlexNet once.")
]
JsonTable = Annotated[bool, Option("--json", help="Print JSON.")]
Markdown = Annotated[bool, Option("--markdown", help="Print a Markdown table, the default.")]

# What finetune takes.
TunedTask = Annotated[str, Argument(metavar="fill|upscale", help="What is fine-tuned.")]
TunedWeights = Annotated[
    Path,
    Option(
        "--output", "--out", "-o", metavar="NAME.safetensors", help="The weights file to write."
    ),
]
Parent = Annotated[
    str | None,
    Option("--from", metavar="NAME|PATH", help="Weights to start from; fill or x4 if left out."),
]
Minutes = Annotated[float | None, Option(metavar="M", help="Wall time in all; 20 if left out.")]
Images = Annotated[
    int | None, Option(metavar="N", help="End after so many training crops instead.")
]
Adapter = Annotated[
    bool, Option("--adapter", help="Train a small adapter that --strength dials in and out.")
]
ResumeTuning = Annotated[bool, Option("--resume", help="Go on with a fine-tune that was stopped.")]

# What fill and upscale take for an adapter.
Strength = Annotated[
    float,
    Option(metavar="0..1", help="How much of a fine-tuned adapter is applied; 0 = its parent."),
]
