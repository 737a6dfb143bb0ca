"""What the models of certain people minimise in their turns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from palsynth.methods.gans.networks.discriminator import PatchDiscriminator
from palsynth.methods.gans.networks.restoration import FaceRestoration
from palsynth.methods.gans.networks.swap import SwapDecoder
from palsynth.methods.gans.objective import people as validation
from palsynth.methods.gans.objective.adversarial import ImagePool
from palsynth.methods.gans.objective.cycle import CycleObjective
from palsynth.methods.gans.objective.people import validation_swaps
from palsynth.methods.gans.objective.restoration import RestorationObjective
from palsynth.methods.gans.objective.swap import FaceSwapObjective
from palsynth.methods.gans.objective.validation import agreement, psnr, spread, to_range
from palsynth.subjects import VALIDATION_SEEDS
from palsynth.training.objective import Objective
from palsynth.training.randomness import make_generator
from palsynth.training.recipe import LoopSettings
from palsynth.training.step import make_optimizers, training_step
from tests.methods.gans.tiny_people import (
    NETWORK,
    RESTORATION,
    SIZE,
    restoration_network,
    swap_network,
)

SEEDS = (300_003, 300_004)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def swap(**fields: object) -> FaceSwapObjective:
    settings = {"warp": 0.0, "tint": 0.0, "distance_weight": 7.0} | fields
    network = swap_network(2).requires_grad_()
    torch.manual_seed(0)
    return FaceSwapObjective(
        network,
        SwapDecoder(NETWORK.widths, NETWORK.skips),
        PatchDiscriminator(6, 8, 1),
        ("anna", "ben"),
        SEEDS,
        restoration=restoration_network(),
        **settings,  # type: ignore[arg-type]
    )


def cycle(**fields: object) -> CycleObjective:
    networks = [swap_network(1).requires_grad_() for _ in range(2)]
    torch.manual_seed(3)
    for parameter in networks[1].parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    judges = [PatchDiscriminator(3, 8, 1) for _ in range(2)]
    settings = {"restoration": restoration_network(), "pool": 3} | fields
    return CycleObjective(*networks, *judges, "anna", SEEDS[0], **settings)  # type: ignore[arg-type]


def restoration() -> RestorationObjective:
    torch.manual_seed(0)
    network = FaceRestoration(RESTORATION, 1)
    torch.nn.init.normal_(network.last.weight, std=0.1)
    return RestorationObjective(network, SIZE, 2.0)


def bytes_of(*shape: int, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    coarse = torch.rand(shape[0], 3, 3, 3, generator=source)
    images = torch.nn.functional.interpolate(coarse, (SIZE, SIZE), mode="bilinear")
    return (255 * images).byte().permute(0, 2, 3, 1)


def batch() -> dict[str, Tensor]:
    return {
        "image": bytes_of(4),
        "person": torch.tensor([2, 0, 2, 1]),
        "patient": bytes_of(4, seed=1)[:2],
        "target": bytes_of(4, seed=2),
    }


def unpaired() -> dict[str, Tensor]:
    return {"patient": bytes_of(2, seed=1), "person": bytes_of(2, seed=2)}


def test_everybody_is_reconstructed_by_the_own_decoder() -> None:
    tested, images = swap(), to_range(batch()["image"])
    maps = tested.network.encoder(images)
    one_by_one = [
        decoder([x[k : k + 1] for x in maps])[0]
        for k, decoder in enumerate(
            (
                tested.patients,
                tested.network.decoders[0],
                tested.patients,
                tested.network.decoders[1],
            )
        )
    ]
    made = tested.reconstruct(images, batch()["person"])
    assert torch.allclose(made, torch.stack(one_by_one), atol=1e-5)


def test_the_losses_of_face_swap_are_those_of_pix2pix() -> None:
    tested, images = swap(), to_range(batch()["image"])
    made = tested.reconstruct(images, batch()["person"])
    real, fake = tested.discriminator(images, images), tested.discriminator(made, images)
    losses = tested(batch(), rng(), "discriminator")
    expected = (softplus(-real).mean() + softplus(fake).mean()) / 2
    assert losses.total.item() == pytest.approx(expected.item(), rel=1e-4)
    losses = tested(batch(), rng(), "generator")
    expected = softplus(-fake).mean() + 7 * (made - images).abs().mean()
    assert losses.total.item() == pytest.approx(expected.item(), rel=1e-4)


def test_only_the_input_is_warped_and_tinted() -> None:
    plain, changed = swap(), swap(warp=0.1, tint=0.5)
    seen: list[Tensor] = []
    changed.discriminator.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs))
    changed(batch(), rng(), "discriminator")
    images = to_range(batch()["image"])
    assert torch.equal(seen[0], images), "the true image is as it was"
    assert (seen[1] - images).abs().mean() > 0.02, "the input is not"
    distances = [o(batch(), rng(), "generator").parts["distance"] for o in (plain, changed)]
    assert distances[0] != distances[1]


def test_the_losses_of_cyclegan() -> None:
    """Equations 1 to 3 of Zhu et al., least squares, and the identity loss of section 5.2."""
    tested = cycle(cycle_weight=4.0, identity_weight=0.25, pool=0)
    patient, person = (to_range(unpaired()[name]) for name in ("patient", "person"))
    g, f = tested.to_person, tested.to_patient
    judge_y, judge_x = tested.person_discriminator, tested.patient_discriminator

    def l1(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs().mean()

    adversarial = (judge_y(g(patient)) - 1).square().mean()
    adversarial = adversarial + (judge_x(f(person)) - 1).square().mean()
    cycled = l1(f(g(patient)), patient) + l1(g(f(person)), person)
    same = l1(g(person), person) + l1(f(patient), patient)
    total = tested(unpaired(), rng(), "generator").total
    assert total.item() == pytest.approx((adversarial + 4 * cycled + same).item(), rel=1e-4)
    expected: Tensor = sum(  # type: ignore[assignment]
        ((judge(real) - 1).square().mean() + judge(made).square().mean()) / 2
        for judge, real, made in ((judge_y, person, g(patient)), (judge_x, patient, f(person)))
    )
    total = tested(unpaired(), rng(), "discriminator").total
    assert total.item() == pytest.approx(expected.item(), rel=1e-4)


def test_without_an_identity_loss_none_is_computed() -> None:
    assert "identity" not in cycle(identity_weight=0.0)(unpaired(), rng(), "generator").parts


def test_discriminators_look_back_at_earlier_images() -> None:
    tested = cycle()
    tested(unpaired(), rng(), "discriminator")
    assert tested.people_pool.filled == tested.patients_pool.filled == 2
    made = tested.to_person(to_range(unpaired()["patient"]))
    assert torch.allclose(tested.people_pool.images[:2], made, atol=1e-5)


def test_half_of_what_a_full_pool_is_shown_comes_back_older() -> None:
    """Zhu et al. 2017, section 4; Shrivastava et al. 2017. Each image is its number."""
    pool, source = ImagePool(50, (1, 1, 1)), rng()
    shown = torch.arange(2050.0)[:, None, None, None]
    assert torch.equal(pool.query(shown[:50], source), shown[:50]), "while it is being filled"
    returned = pool.query(shown[50:], source)
    older = returned[returned != shown[50:]]
    assert len(older) / 2000 == pytest.approx(0.5, abs=0.05)
    assert len(older.unique()) == len(older), "who comes back is in the pool no longer"
    kept = torch.cat([pool.images.flatten(), returned.flatten()])
    assert torch.equal(kept.sort().values, shown.flatten()), "and its place is taken"


def test_restoration_minimises_errors_and_their_differences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "palsynth.methods.gans.objective.restoration.degrade", lambda images, _: images / 2
    )
    tested, images = restoration(), to_range(batch()["target"])
    errors = tested.network(images / 2) - images
    across = (errors[..., 1:] - errors[..., :-1]).abs().mean()
    down = (errors[..., 1:, :] - errors[..., :-1, :]).abs().mean()
    expected = errors.abs().mean() + 2 * (across + down)
    assert tested(batch(), rng()).total.item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize(("build", "data"), [(swap, batch), (cycle, unpaired)])
def test_each_turn_has_gradients_for_its_own_parameters(
    build: Callable[[], Objective], data: Callable[[], dict[str, Tensor]]
) -> None:
    tested = build()
    groups = tested.parameter_groups()
    assert list(groups) == ["discriminator", "generator"]
    trained = {id(p) for p in tested.parameters() if p.requires_grad}
    assert {id(p) for group in groups.values() for p in group} == trained
    tested(data(), rng(), "discriminator").total.backward()  # type: ignore[call-arg]
    assert all(p.grad is not None for p in groups["discriminator"])
    assert all(p.grad is None for p in groups["generator"])
    tested.zero_grad(set_to_none=True)
    tested(data(), rng(), "generator").total.backward()  # type: ignore[call-arg]
    assert all(p.grad is not None for p in groups["generator"])
    assert not any(name.startswith("restoration") for name in tested.trained_state())


@pytest.mark.parametrize(
    ("build", "data", "part", "share"),
    [
        (swap, batch, "generator_distance", 0.5),
        (cycle, unpaired, "generator_cycle", 0.7),
        (restoration, batch, "pixels", 0.9),
    ],
)
def test_a_single_batch_is_learnt(
    build: Callable[[], Objective],
    data: Callable[[], dict[str, Tensor]],
    part: str,
    share: float,
) -> None:
    tested = build().train()
    loop = LoopSettings(steps=60, batch=4, learning_rate=3e-3, weight_decay=0, beta1=0.5)
    optimizers = make_optimizers(tested, loop)
    found = []
    for step in range(loop.steps):
        (losses,) = training_step(
            tested,
            optimizers,
            [data()],
            lambda micro, step=step: make_generator(0, step, 0, micro, torch.device("cpu")),  # type: ignore[misc]
            loop,
        )
        found.append(losses.parts[part].item())
    assert np.mean(found[-5:]) < share * np.mean(found[:5])


def test_psnr_and_spread_are_what_they_say() -> None:
    truth = torch.zeros(4, 3, 2, 2)
    assert psnr(truth + 0.2, truth) == pytest.approx(20)
    truth[1], truth[3] = 1, -2
    person = torch.tensor([0, 0, 1, 1])
    assert spread(truth / 2, truth, person) == pytest.approx(0.5)
    assert spread(torch.ones_like(truth), truth, person) == 0
    others = truth + person[:, None, None, None]
    assert spread(others, truth, person) == pytest.approx(1), "each person is for oneself"


def test_agreement_is_that_of_differences_within_a_person() -> None:
    source = torch.Generator().manual_seed(0)
    truth = torch.rand(6, 3, 8, 8, generator=source)
    person = torch.tensor([0, 1, 0, 1, 0, 1])
    looks = torch.rand(2, 3, 8, 8, generator=source)[person]
    assert agreement(0.3 * truth + looks, truth, person) == pytest.approx(1, abs=1e-5)
    assert agreement(-truth, truth, person) == pytest.approx(-1, abs=1e-5)
    others = torch.rand(6, 3, 8, 8, generator=source)
    assert abs(agreement(others, truth, person)) < 0.2
    assert agreement(looks, truth, person) == 0, "one image whatever is requested"


def test_validation_shows_the_public_person_with_an_unseen_patients_expression(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(validation, "EXPRESSIONS", 2)
    rendered = []
    render = validation.render

    def seen(subject: object, *details: object, **more: object) -> object:
        rendered.append((subject, *details))
        return render(subject, *details, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(validation, "render", seen)
    found = validation_swaps.__wrapped__(SEEDS, SIZE)
    assert found["person"].tolist() == [0, 1]
    assert found["expression"].shape == found["target"].shape == (2, SIZE, SIZE, 3)
    for k in range(2):
        patient, public = rendered[2 * k], rendered[2 * k + 1]
        assert patient[1:] == public[1:], "the same movement and palsy"
        assert patient[0].seed == VALIDATION_SEEDS + 3000 + k
        assert public[0].seed == SEEDS[k]


@pytest.mark.parametrize(("build", "columns"), [(swap, 3), (cycle, 4)])
def test_validation_compares_with_the_truth(
    build: Callable[[], Objective], columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {
        "expression": bytes_of(4),
        "target": bytes_of(4, seed=1),
        "person": torch.zeros(4, dtype=torch.long),
    }
    tested = build().eval()
    place = type(tested).__module__
    monkeypatch.setattr(f"{place}.validation_swaps", lambda seeds, size: rows)
    with torch.no_grad():
        found = tested.validate()
    expression, truth = to_range(rows["expression"]), to_range(rows["target"])
    assert found["validation/psnr_expression"] == pytest.approx(psnr(expression, truth))
    network = tested.network if build is swap else tested.to_person
    with torch.no_grad():
        made = network(expression)
    assert found["validation/psnr_made"] == pytest.approx(psnr(made, truth))
    picture = tested.picture()
    assert picture is not None
    assert picture.shape == (2 * SIZE, 2 * columns * SIZE, 3)
    assert np.array_equal(picture[:SIZE, :SIZE], rows["expression"][0].numpy())
    assert np.array_equal(picture[:SIZE, -SIZE:], rows["target"][2].numpy())


def test_without_seeds_there_is_no_truth() -> None:
    for tested, field in ((swap(), "seeds"), (cycle(), "seed")):
        setattr(tested, field, None)
        assert tested.validate() == {}
        assert tested.picture() is None
