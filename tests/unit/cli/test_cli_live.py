from rich.console import Console
from zhihui.scheduling.v1 import scheduling_pb2 as pb

from services.cli.live import RunView, curve


def test_a_curve_is_the_value_below_its_bound_with_the_gap_dotted():
    values = [(0.0, 0), (1.0, 10), (2.0, 20), (3.0, 20)]
    bounds = [(1.0, 30), (3.0, 20)]
    assert curve(values, bounds, width=4, height=3) == [" ▔▔ ", " ·██", "████"]


def test_a_curve_without_a_bound_is_the_value_alone():
    assert curve([(0.0, 5), (1.0, 7)], [], width=2, height=2) == [" █", "██"]


def drawn_of(view: RunView) -> str:
    console = Console(width=100, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as captured:
        console.print(view)
    return captured.get()


def test_a_run_is_drawn_with_what_is_known_of_each_stage():
    run = pb.Run(name="rounds/r/runs/run-1", seconds=30, state=pb.Run.STATE_WORKING)
    view = RunView(run)
    for number, (stage, incumbent, bound) in enumerate(
        [(pb.STAGE_FLOOR, 400, 1000), (pb.STAGE_NEED, 1200, None), (pb.STAGE_NEED, 1500, 2000)], 1
    ):
        progress = pb.Progress(
            number=number, elapsed_s=number, stage=stage, incumbent=incumbent, served=number * 10
        )
        if bound:
            progress.bound, progress.gap = bound, (bound - incumbent) / bound
        view.add(pb.WatchRunResponse(progress=progress, run=run))
    text = drawn_of(view)
    assert "1,500" in text
    assert "25.00%" in text
    assert "60.00%" in text
    assert "1,200" not in text
    assert "served 30" in text
    assert "▸ 需求 need served" in text
    assert "▔" in text


def test_a_step_without_progress_changes_the_state_only():
    view = RunView(pb.Run(name="rounds/r/runs/run-1", state=pb.Run.STATE_QUEUED))
    done = pb.Run(name="rounds/r/runs/run-1", state=pb.Run.STATE_DONE)
    view.add(pb.WatchRunResponse(run=done))
    assert view.run.state == pb.Run.STATE_DONE
    assert "完成" in drawn_of(view)
