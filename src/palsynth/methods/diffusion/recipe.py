"""The recipe of a plain diffusion model: its settings, its training pictures and its loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from palsynth.data.examples import RowExamples, Source
from palsynth.data.folder_source import FolderSource
from palsynth.data.pair_settings import PairsSettings
from palsynth.errors import InputError
from palsynth.methods.diffusion.config import DiffusionModelSettings
from palsynth.methods.diffusion.data import FolderPictures, pictures_source
from palsynth.methods.diffusion.io.files import (
    FAMILY,
    autoencoder_of,
    build_model,
    load_model,
    method_of,
)
from palsynth.methods.diffusion.labels import ConditionLabels
from palsynth.methods.diffusion.networks.model import DiffusionModel, diffused_shape
from palsynth.methods.diffusion.objective import DiffusionObjective
from palsynth.methods.shipped import shipped
from palsynth.training.init import InitSettings, check_init, init_network
from palsynth.training.objective import Objective
from palsynth.training.recipe import LoopSettings


@dataclass(frozen=True)
class DiffusionRecipe(InitSettings):
    """Trains a plain diffusion model: DDPM, or latent diffusion."""

    kind: Literal["diffusion"] = "diffusion"
    """The kind of recipe."""
    model: DiffusionModelSettings = field(default_factory=DiffusionModelSettings)
    data: PairsSettings = field(default_factory=PairsSettings)
    """Of its pairs, the targets are the training pictures; of a dataset, all pictures are."""
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.data.crossed or self.data.fixed_identity:
            raise InputError(
                "data.crossed, data.fixed_identity: this model trains on single pictures; leave "
                "them out"
            )

    def source(self, build_cache: bool = True) -> Source:
        """The training pictures."""
        model = self.model
        if build_cache:  # checked here too, since rendering the groups takes hours
            check_init(self)
            if self.init_from == "shipped":
                shipped(FAMILY, method_of(model))
            model.unet.check_side(diffused_shape(model, autoencoder_of(model)).side)
        labels = ConditionLabels(model.movements)
        source = pictures_source(self.data, labels, model.size, build_cache)
        if isinstance(source, FolderPictures):
            source.prepare(model.conditioned)
        return source

    def examples_of(
        self, folder: Path, splits: tuple[str | None, ...], trained: bool
    ) -> RowExamples:
        """The pictures of a dataset, for an audit.

        Args:
            folder: the dataset.
            splits: splits to use; None stands for rows without a split.
            trained: not used; training uses all pictures.

        Returns:
            The examples.

        Raises:
            InputError: the model was trained on no dataset.
        """
        if self.data.dataset is None:
            raise InputError(
                "data.dataset: the model was trained on synthetic subjects, not on a dataset; "
                "leave out --run"
            )
        source = FolderSource(folder, splits, self.model.size, self.data.seed)
        return FolderPictures(source, ConditionLabels(self.model.movements))

    def objective(self) -> Objective:
        """The model with its objective."""
        model = build_model(self.model)

        def load(path: Path | None) -> Any:
            return load_model(path or shipped(FAMILY, method_of(self.model))).unet

        unet = init_network(self, lambda: model.unet, load)
        return DiffusionObjective(DiffusionModel(self.model, unet, model.autoencoder))
