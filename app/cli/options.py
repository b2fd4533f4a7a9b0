"""Every option of the commands: its names, aliases and help, each written once.

The aliases are those of realesrgan-ncnn-vulkan (-i -o -n -s -t -g -f -x -dn) and IOPaint (--image --mask
--output), so that scripts written for them work. Those of the commands that train and evaluate are in
``app.cli.training_options``. Nothing heavy is imported here.
"""

import functools
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Exit, Option

from remend import __version__
from remend.models.device_names import PrecisionName

# Options under a heading of their own in the help.
_SizeOption = functools.partial(Option, rich_help_panel="Size of the result")
_FileOption = functools.partial(Option, rich_help_panel="Files")
_GeneralOption = functools.partial(Option, rich_help_panel="General")


def print_version(asked: bool) -> None:
    """Print the version and end the program, if it was asked for."""
    if asked:
        print(f"remend {__version__}")
        raise Exit


Version = Annotated[
    bool,
    Option("--version", callback=print_version, is_eager=True, help="Print the version and exit."),
]

# All commands.
Device = Annotated[
    str,
    _GeneralOption(
        "--device",
        "-g",
        metavar="auto|cpu|cuda|mps|N",
        help="Where networks run. Numbers are GPUs, such as 0 or 0,1; -1 is the CPU.",
    ),
]
Precision = Annotated[
    PrecisionName, _GeneralOption(help="Number format in which networks compute.")
]
Threads = Annotated[
    int | None, _GeneralOption(metavar="N", help="CPU threads; by default one for each core.")
]
Quiet = Annotated[bool, _GeneralOption("--quiet", help="Print errors only.")]
Debug = Annotated[bool, _GeneralOption("--debug", help="Show warnings and tracebacks.")]

# fill, upscale and restore.
Model = Annotated[
    str | None,
    Option("--model", "-n", metavar="NAME|PATH", help="Weights; `remend models` lists them."),
]
FillingModel = Annotated[
    str | None,
    Option(
        "--model",
        "-n",
        metavar="NAME|PATH|auto",
        help="Weights; `remend models` lists them. auto = for thick holes a network made for them, such "
        "as LaMa, if you have added one.",
    ),
]
Strength = Annotated[
    float,
    Option(metavar="0..1", help="How much of a fine-tuned adapter is applied; 0 = none of it."),
]
Output = Annotated[
    str,
    Option("--output", "-o", metavar="OUT", help="A folder or its URL; for one photo also a file."),
]
SkipExisting = Annotated[
    bool, _FileOption("--skip-existing/--overwrite", help="What happens to outputs that exist.")
]
Resume = Annotated[
    bool,
    _FileOption("--resume", help="Skip photos that an earlier run did with the same settings."),
]
FormatName = Literal["auto", "jpg", "jpeg", "png", "webp", "tiff"]
Format = Annotated[
    FormatName,
    _FileOption(
        "--format",
        "-f",
        help="Format of files in a folder; auto = as the input, or PNG for formats not written.",
    ),
]
Quality = Annotated[
    int, _FileOption(metavar="1..100", help="Quality of JPEG and WebP; WebP 100 is lossless.")
]
Suffix = Annotated[str, _FileOption(metavar="TEXT", help="Added to the names of files.")]
OnClashName = Literal["refuse", "suffix"]
OnClash = Annotated[
    OnClashName,
    _FileOption(help="Two photos with one output: refuse all, or number the later ones' names."),
]
StripMetadata = Annotated[
    bool,
    _FileOption(
        "--strip-metadata",
        help="Leave out EXIF, XMP, IPTC, texts and dpi; the colour profile stays.",
    ),
]
OnErrorName = Literal["skip", "stop"]
OnError = Annotated[OnErrorName, _FileOption(help="What to do after a failed input.")]
DryRun = Annotated[
    bool, _FileOption("--dry-run", help="Print what would be written and what it needs.")
]
Jobs = Annotated[
    str | None,
    _GeneralOption(
        "--jobs",
        "-j",
        metavar="N",
        help="Photos read and written at a time beside the network; or load:proc:save.",
    ),
]
MaxMemory = Annotated[
    str | None,
    _GeneralOption(
        metavar="SIZE", help="Memory limit, such as 2G; by default 80 % of what is free."
    ),
]
Cluster = Annotated[
    str | None,
    _GeneralOption(
        metavar="ADDRESS",
        help="Run the jobs on a Ray cluster whose machines see the same folders or URLs.",
    ),
]
Json = Annotated[bool, _GeneralOption("--json", help="Print one JSON object for each input.")]

# fill and restore.
Photo = Annotated[str | None, Argument(metavar="IN", help="A photo or a folder of photos.")]
PhotoOption = Annotated[
    str | None, Option("--input", "--image", "-i", metavar="IN", help="The same as IN.")
]
Mask = Annotated[
    str,
    Option(
        metavar="MASK",
        help="White = fill. One file for all photos, or a folder: photo.mask.png or photo.png for "
        "photo.jpg; auto = what is damaged is found.",
    ),
]
Sensitivity = Annotated[
    float | None,
    Option(
        metavar="0..1",
        help="With --mask auto: 0 = only what is certain, 1 = much that may be none; else 0.5.",
    ),
]
SaveMasks = Annotated[
    str | None, Option(metavar="FOLDER", help="Write the masks that were filled, as photo.png.")
]
InvertMask = Annotated[bool, Option("--invert-mask", help="Black = fill.")]
SoftMask = Annotated[
    bool,
    Option(
        "--soft-mask",
        help="Paste in proportion to the mask's values; else what is marked is filled wholly.",
    ),
]
Grow = Annotated[int, Option(metavar="PX", help="Grow masks by PX pixels; negative = shrink.")]
Feather = Annotated[int, Option(metavar="PX", help="Blend over PX pixels outside the mask.")]
FillDetail = Annotated[
    float, Option("--detail", metavar="0..1", help="0 = likeliest colours, smooth; 1 = texture.")
]
FillModel = Annotated[
    str | None,
    Option(metavar="NAME|PATH|auto", help="As --model of fill; here --model is for upscaling."),
]
RestoreFillDetail = Annotated[
    float, Option("--fill-detail", metavar="0..1", help="The same as --detail of fill.")
]

# upscale and restore.
Inputs = Annotated[
    list[str] | None,
    Argument(
        metavar="IN",
        help="Photos, folders, globs, URLs, or - for a list on stdin (lines, or as find -print0).",
    ),
]
InputsOption = Annotated[
    list[str] | None, Option("--input", "-i", metavar="IN", help="The same as IN.")
]
Recursive = Annotated[bool, _FileOption("--recursive", "-r", help="Include folders in folders.")]
Scale = Annotated[
    float | None,
    _SizeOption(
        "--scale",
        "-s",
        metavar="1.5..8",
        help="Scale factor; 4 by default. 1 for models that keep the size.",
    ),
]
Width = Annotated[
    int | None, _SizeOption(metavar="PX", help="With --height: as large as fits into both.")
]
Height = Annotated[int | None, _SizeOption(metavar="PX", help="Height of the result.")]
Megapixels = Annotated[
    float | None, _SizeOption(metavar="N", help="Millions of pixels of the result.")
]
UpscaleDetail = Annotated[
    float | None,
    Option(
        "--detail",
        metavar="0..1",
        help="0 = faithful, 1 = full refine; 0.5 by default for photo models.",
    ),
]
Denoise = Annotated[
    float | None,
    Option(
        "--denoise",
        "-dn",
        metavar="0..1",
        help="How much noise is removed, for models with this setting; 0.5 by default.",
    ),
]
Tta = Annotated[
    bool, Option("--tta", "-x", help="Average over eight flips and turns; eight times slower.")
]
Tile = Annotated[
    str, Option(metavar="N|auto|0", help="Side of a tile in pixels of the photo; 0 = no tiles.")
]
NcnnTile = Annotated[
    str | None,
    Option("-t", metavar="N", help="As --tile, but 0 = auto, as in realesrgan-ncnn-vulkan."),
]

# ui
Host = Annotated[str, Option(help="Address on which the page is served.")]
Port = Annotated[int, Option(help="Port on which the page is served.")]
AllowHost = Annotated[
    list[str] | None,
    Option(
        metavar="NAME",
        help="A further name by which the page may be reached, such as that of a proxy; repeatable.",
    ),
]
Share = Annotated[bool, Option("--share", help="Open a public tunnel.")]
Auth = Annotated[
    Path | None, Option(metavar="FILE", help="Who may log in: lines of user:password.")
]
MaxMegapixels = Annotated[
    float | None, Option(metavar="N", help="Refuse larger photos; 100 by default.")
]
MaxDisk = Annotated[
    str | None,
    Option(
        metavar="SIZE",
        help="Disk for visitors' files, such as 2G; by default 10G, or 80 % of what is free. "
        "One visitor may have half.",
    ),
]
AllowCustomWeights = Annotated[
    bool, Option("--allow-custom-weights", help="Let visitors add weights through the page.")
]

# models
Weights = Annotated[str, Argument(metavar="PATH", help="A weights file, or a model's name.")]
ExportFormName = Literal["onnx", "torchscript", "fp16"]
ExportForm = Annotated[
    ExportFormName, Option("--to", help="onnx needs the extra export; fp16 is safetensors.")
]
ExportOutput = Annotated[
    Path | None,
    Option("--output", "-o", metavar="FILE", help="By default NAME.onnx and so on in this folder."),
]
AddedFile = Annotated[
    str, Argument(metavar="FILE|URL", help="Weights, or the https address of their file.")
]
AddedName = Annotated[
    str | None, Option("--name", metavar="NAME", help="What to call them; by default as the file.")
]
AddedLicence = Annotated[
    str, Option("--licence", metavar="TEXT", help="Their licence, for the page beside them.")
]
AddedHash = Annotated[
    str | None, Option("--sha256", metavar="DIGITS", help="Refuse a file with another SHA-256.")
]
RemovedName = Annotated[str, Argument(metavar="NAME", help="A model in your folder.")]
