"""The web page: its tabs put together, and the server that shows it on this computer.

Nothing that the page does leaves the machine, unless ``share`` is asked for. What visitors upload is kept in
a folder of its own, which is deleted when the server ends.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from gradio.themes import Default

from remend.app.engine.model_pool import ModelPool
from remend.app.engine.signals import leave_at_once, noticing_signals
from remend.app.page.api import Api, add_endpoints
from remend.app.page.custom_weights import add_weights, weights_upload
from remend.app.page.guards.disk import PHOTOS
from remend.app.page.guards.fairness import PLACES
from remend.app.page.guards.hosts import AllowedHosts
from remend.app.page.guards.limits import DEFAULT_LIMITS, Limits
from remend.app.page.guards.memory import MemoryBudget
from remend.app.page.guards.passwords import read_auth
from remend.app.page.guards.stack import guarding_lifespan
from remend.app.page.i18n import I18N, choose_language, make_label
from remend.app.page.markup import MODULES, SCRIPTS
from remend.app.page.new_models import list_cards, offer_new_models
from remend.app.page.repair.album import AlbumService
from remend.app.page.repair.masks import MaskService
from remend.app.page.repair.photo_sessions import PhotoSessions
from remend.app.page.repair.repair_tab import RepairService, offer_fill_models, repair_tab
from remend.app.page.repair.versions import VersionService
from remend.app.page.repair.zipping import ADDRESS, Zips
from remend.app.page.status import explain, say, status_line
from remend.app.page.tuning.access import tuning_here
from remend.app.page.tuning.panel import connect_tuning, lay_out_tuning
from remend.app.page.tuning.service import TuningService
from remend.app.page.uploads import claim_room, visitors_folder
from remend.app.page.upscaling.forecast import Forecast
from remend.app.page.upscaling.part_preview import PartPreview
from remend.app.page.upscaling.upscale_preview import UpscalePreview
from remend.app.page.upscaling.upscale_service import UpscaleService
from remend.app.page.upscaling.upscale_tab import upscale_tab
from remend.app.page.work.dials import remember_dials
from remend.app.page.work.jobs import Jobs
from remend.app.page.work.standing import Standing
from remend.app.tuning.process import TuningProcess
from remend.models.errors import RequestError

MAX_MEGAPIXELS = 100.0
MAX_FILE_SIZE = "500mb"

_CSS = Path(__file__).parent / "page.css"
# One step darker than Gradio's own choice, so that small letters keep a contrast of 4.5 to 1.
# The system's font: the bold one that Gradio brings lacks most letters.
_THEME = Default(primary_hue="teal", neutral_hue="slate", font=["system-ui", "sans-serif"]).set(
    color_accent="*primary_700",
    body_text_color_subdued="*neutral_500",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_hover_dark="*primary_800",
)
_LAUNCH: dict[str, Any] = {
    "theme": _THEME,
    "i18n": I18N,
    "css_paths": [_CSS],
    "footer_links": ["settings"],
    "run_history": False,
    "enable_monitoring": False,
    "max_file_size": MAX_FILE_SIZE,
    "ssr_mode": False,
    "inbrowser": False,
    "prevent_thread_lock": True,
    "quiet": True,
}
_QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
_LOOK_S = 0.1  # between two looks whether a signal has come
_PATIENCE_S = 5.0  # for the tile in hand, before the server ends without it


def build_page(
    pool: ModelPool,
    folder: Path,
    max_megapixels: float,
    jobs: Jobs,
    *,
    allow_custom_weights: bool = False,
    tuning: TuningProcess | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[gr.Blocks, Zips]:
    """Put the page together; files for its visitors are written into ``folder``.

    Without ``tuning`` nothing of the page can fine-tune.

    Returns:
        The page, and what it offers as zips, to be served at their address.
    """
    memory = MemoryBudget(limits.memory_bytes)
    sessions = _photo_sessions(folder, max_megapixels, memory)
    zips = Zips(sessions)
    upscale_service = UpscaleService(pool, max_megapixels, jobs, memory)
    previews = _previews(pool, max_megapixels, jobs, memory)
    with gr.Blocks(title="Remend") as page:
        with gr.Row(elem_id="head"):
            gr.HTML("<h1>Remend</h1>", elem_id="title", apply_default_css=False)
            status = status_line(Standing(jobs))
        with gr.Tabs() as tabs:
            with _tab("repair") as repair_page:
                repair = RepairService(pool, sessions, jobs)
                masks, album = MaskService(pool, sessions, jobs), AlbumService(sessions, zips)
                versions = VersionService(pool, sessions, jobs)
                editor = repair_tab(repair, masks, album, versions)
            with _tab("upscale") as upscale_page:
                photos, dials = upscale_tab(upscale_service, *previews, status)
            with _tab("models") as models_page:
                tuned = lay_out_tuning() if tuning else None
                cards = gr.HTML(elem_id="models")
                added = weights_upload() if allow_custom_weights else None
        for shown in (repair_page, upscale_page, models_page):
            script = f"() => window.remendStatus?.showTab('{shown.id}')"
            shown.select(js=script, api_visibility="private")
        editor.upscale(
            _send_to_upscale(repair), None, [photos, tabs, status],
            show_progress_on=[status], api_visibility="private",
        )  # fmt: skip
        add_endpoints(Api(pool, upscale_service, max_megapixels, memory, jobs))
        remember_dials(page, dials)
        if added is not None:
            adding = added.upload(add_weights, added, status, api_visibility="private")
            offer_new_models(adding.then, dials, cards, editor)
        if tuning and tuned:
            made = connect_tuning(tuned, TuningService(tuning, pool.placement), page, status)
            offer_new_models(made.change, dials, cards, editor)
        page.load(list_cards, None, cards, **_QUIET)
        page.load(offer_fill_models, None, editor, **_QUIET)
        page.unload(_end_session(jobs))
    return page, zips


def _photo_sessions(folder: Path, max_megapixels: float, memory: MemoryBudget) -> PhotoSessions:
    return PhotoSessions(
        folder / PHOTOS, max_megapixels,
        memory=memory.kept_bytes, claim_room=claim_room, budget=memory,
    )  # fmt: skip


def _tab(name: str) -> gr.Tab:
    return gr.Tab(make_label(name), id=name, elem_id=f"{name}-page")


def _previews(
    pool: ModelPool, max_megapixels: float, jobs: Jobs, memory: MemoryBudget
) -> tuple[UpscalePreview, PartPreview]:
    shared = (pool, max_megapixels, jobs, memory, Forecast(pool))
    return UpscalePreview(*shared), PartPreview(*shared)


@contextmanager
def running_page(
    pool: ModelPool,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    share: bool = False,
    auth_file: Path | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
    allow_custom_weights: bool = False,
    allow_hosts: Sequence[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[str]:
    """Serve the page for the time of a ``with``; gives its address.

    Raises:
        RequestError: The page cannot listen on that address, a name in ``allow_hosts`` is none, or the file
            of passwords is wrong.
    """
    auth = read_auth(auth_file) if auth_file else None
    hosts = AllowedHosts(host, allow_hosts)
    tuned = tuning_here(host, share=share, auth_file=auth_file, allow_hosts=allow_hosts)
    with visitors_folder(limits) as budget, tuned as tuning:
        jobs = Jobs()
        page, zips = build_page(
            pool, budget.folder, max_megapixels, jobs,
            allow_custom_weights=allow_custom_weights, tuning=tuning, limits=limits,
        )  # fmt: skip
        # What waits in the queue can be asked for in no other way.
        page.queue(max_size=PLACES, api_open=False)
        try:
            server, address, _ = page.launch(
                server_name=host,
                server_port=port,
                share=share,
                auth=auth,
                app_kwargs={"lifespan": guarding_lifespan(hosts, budget, limits)},
                **_LAUNCH,
            )
        except (OSError, OverflowError) as error:
            raise RequestError(
                f"The page cannot listen on {host}, port {port}: it is taken or not allowed; "
                "choose another with --port."
            ) from error
        if page.share_url:
            hosts.allow(urlsplit(page.share_url).hostname or "")
        server.add_route(f"/{ADDRESS}/{{name}}", zips.answer)
        server.mount(MODULES, _Modules(directory=SCRIPTS))
        try:
            yield address.rstrip("/")
        finally:
            jobs.close(_PATIENCE_S)
            page.close(verbose=False)


def serve(
    pool: ModelPool,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    share: bool = False,
    auth_file: Path | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
    allow_custom_weights: bool = False,
    allow_hosts: Sequence[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> None:
    """Serve the page until Ctrl+C, TERM or HUP, then end the process; errors as ``running_page``."""
    options = {"share": share, "auth_file": auth_file, "max_megapixels": max_megapixels}
    options |= {"allow_custom_weights": allow_custom_weights}
    options |= {"allow_hosts": allow_hosts, "limits": limits}
    with (
        noticing_signals() as is_over,
        running_page(pool, host=host, port=port, **options) as address,
    ):
        print(f"Remend is ready at {address}", flush=True)
        while not is_over():
            time.sleep(_LOOK_S)
    with contextlib.suppress(OSError):  # after a HUP there may be no terminal
        print("Remend has stopped.", flush=True)
    leave_at_once(0)


class _Modules(StaticFiles):
    """The editor's modules; a browser asks each time whether its copy is the newest."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _send_to_upscale(
    repair: RepairService,
) -> Callable[[gr.EventData, gr.Request], tuple[Any, Any, Any]]:
    """The function that puts a repaired photo into the Upscale tab and opens that tab."""

    def send(event: gr.EventData, request: gr.Request) -> tuple[Any, Any, Any]:
        try:
            path = repair.save_lossless(event)
        except Exception as error:
            status = say(explain(error, choose_language(request)), "repair", is_error=True)
            return gr.skip(), gr.skip(), status
        return [str(path)], gr.update(selected="upscale"), gr.skip()

    return send


def _end_session(jobs: Jobs) -> Callable[[gr.Request], None]:
    """The function that ends the work of a visitor who closed or reloaded the page."""

    def end(request: gr.Request) -> None:
        jobs.end_session(request.session_hash or "")

    return end
