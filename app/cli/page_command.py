"""The options of ``remend ui``, and what its page is served with."""

from dataclasses import dataclass

from remend.app.cli import options
from remend.app.cli.general_options import GeneralOptions


@dataclass(frozen=True)
class PageOptions:
    """By whom the page can be reached, and what its visitors may do and take."""

    host: options.Host = "127.0.0.1"
    port: options.Port = 7860
    allow_host: options.AllowHost = None
    share: options.Share = False
    auth: options.Auth = None
    max_megapixels: options.MaxMegapixels = None
    max_disk: options.MaxDisk = None
    max_memory: options.MaxMemory = None
    allow_custom_weights: options.AllowCustomWeights = False


def serve_page(page: PageOptions, general: GeneralOptions) -> None:
    """Serve the page until it is ended.

    Raises:
        RequestError: As ``serve``; `OptionError` where a size is none.
    """
    from remend.app.engine.memory import parse_size

    disk_bytes = parse_size(page.max_disk, "max_disk") if page.max_disk else None
    memory_bytes = parse_size(page.max_memory) if page.max_memory else None

    from remend.app.engine.model_pool import ModelPool
    from remend.app.page.guards.limits import Limits
    from remend.app.page.server import MAX_MEGAPIXELS, serve

    serve(
        ModelPool([general.placement]),
        host=page.host,
        port=page.port,
        share=page.share,
        auth_file=page.auth,
        max_megapixels=MAX_MEGAPIXELS if page.max_megapixels is None else page.max_megapixels,
        allow_custom_weights=page.allow_custom_weights,
        allow_hosts=page.allow_host or (),
        limits=Limits(disk_bytes=disk_bytes, memory_bytes=memory_bytes),
    )
