"""What happens in a clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.generation.video.script import ClipSettings, write_script
from palsynth.simulator.motion import MotionSettings
from palsynth.subjects import sample

LEFT = Palsy.peripheral(Side.LEFT, Grade.V)
SETTINGS = ClipSettings(fps=10.0, seed=3, motion=MotionSettings(hold=0.2))
TWO = [Movement.GRIN, Movement.WHISTLE]


def test_times_and_sway_go_on_from_movement_to_movement() -> None:
    takes = write_script(sample(4), TWO, LEFT, SETTINGS)
    moments = [m for take in takes for m in take.panels[-1].moments]
    assert [take.movement for take in takes] == TWO
    assert [m.time for m in moments] == [k / 10 for k in range(len(moments))]
    yaw = np.array([m.sway.yaw for m in moments])
    cut = takes[0].frames
    assert np.ptp(yaw) > 0.2
    assert abs(yaw[cut] - yaw[cut - 1]) <= np.abs(np.diff(yaw)).max() < 0.5 * np.ptp(yaw)


def test_every_movement_begins_and_ends_at_the_palsys_rest() -> None:
    takes = write_script(sample(4), TWO, LEFT, SETTINGS)
    rest = takes[0].panels[0].moments[0].drive
    for take in takes:
        for k in (0, -1):
            fields = take.panels[-1].moments[k].drive.left.fields
            moved = {name: value for name, value in fields.items() if value}
            assert moved == pytest.approx({n: v for n, v in rest.left.fields.items() if v})
    assert rest.left.closure < 0, "a paralysed eye stands wider"


def test_healthy_and_palsied_run_side_by_side() -> None:
    (take,) = write_script(sample(4), [Movement.WINK], LEFT, SETTINGS, caption="weak", beside=True)
    healthy, palsied = take.panels
    assert (healthy.caption, palsied.caption) == ("healthy", "weak")
    assert [m.sway for m in healthy.moments] == [m.sway for m in palsied.moments]
    most = [max(m.drive.left.closure for m in p.moments) for p in take.panels]
    assert most[0] > 0.9 > most[1], "the eye of the weak side winks, and closes less"


def test_a_clip_that_is_too_long_is_refused() -> None:
    long = replace(SETTINGS, seconds=400.0, fps=1.0)
    with pytest.raises(InputError, match="would last 800 seconds, more than 600; give fewer"):
        write_script(sample(4), TWO, LEFT, long)
