"""A component as an OCI artifact on disk, which registries take and wkg pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from ferrule.core.facts import Facts
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, ActionInterface, Output
from ferrule.core.section import Field
from ferrule.formats import oci
from ferrule.kinds.base import ArtifactRef, Context, Kind, PlanProblem, Spec, needs_webassembly

if TYPE_CHECKING:
    from ferrule.engine.context import ActionContext


class ComponentOciSpec(Spec):
    """A layout that holds one component, as wkg and the runtimes of WebAssembly read it from a registry."""

    kind: Literal["component-oci"]
    component: Annotated[str, ArtifactRef(("component",))] = Field(description="The component to pack.")


def plan(spec: ComponentOciSpec, context: Context) -> list[Action]:
    """One layout; raises PlanProblem where the component is made for several targets, as a tag stands for one."""
    actions = context.actions_of(spec.component)
    if len(actions) > 1:
        targets = ", ".join(str(action.target) for action in actions)
        message = f"{spec.component} is made for {targets}, and a layout holds one component"
        raise PlanProblem("component", message, "narrow `targets` there, or write an artifact for each")
    return [_action(context, action) for action in actions]


def _action(context: Context, component: Action) -> Action:
    project = context.project
    described = {
        "title": component.artifact,
        "version": project.version,
        "description": project.description,
        "licenses": project.license,
        "url": project.homepage,
        "revision": project.commit,
    }
    return Action(
        id=context.artifact,
        artifact=context.artifact,
        kind="component-oci",
        recipe=ComponentArtifact(
            component=component.interface,
            annotations=tuple((f"org.opencontainers.image.{key}", value) for key, value in described.items() if value),
            tag=project.version.replace("+", "_"),  # a tag has no plus (distribution-spec, "Pulling manifests")
            epoch=project.epoch,
        ),
        outputs=(Output(context.artifact, "artifact", context.artifact if context.ship else None, folder=True),),
        needs=(component.id,),
    )


@dataclass(frozen=True, slots=True)
class ComponentArtifact:
    """Write the layout around the component, which is in there byte for byte."""

    component: ActionInterface
    annotations: tuple[tuple[str, str], ...]
    tag: str
    epoch: int

    def make(self, context: ActionContext) -> None:
        """Write it, and read it back; raises VerificationError."""
        component, folder = context.input(self.component, "component"), context.output("artifact")
        folder.mkdir()
        notes = dict(self.annotations)
        oci.write_component(folder, component.read_bytes(), annotations=notes, epoch=self.epoch, ref_name=self.tag)
        context.record_facts(Facts((oci.read_component(folder).facts,)))


KIND = Kind(
    name="component-oci",
    spec=ComponentOciSpec,
    plan=plan,
    summary="a WebAssembly component as an OCI artifact, for registries and wkg",
    unsupported=needs_webassembly,
    packs=False,
)
