"""From parameters of one frame to pixels: pose the head, build a Mitsuba scene, render, finish."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import mitsuba as mi
import numpy as np

from . import painting, wearing
from .head import Head, load_head, vertex_normals
from .persons import Person, draw_person, neutral_shape
from .shot import DISTANCE, Shot, camera, project, rotation

mi.set_variant("scalar_rgb")


@dataclass(frozen=True)
class Dressed:
    """A person's neutral shape, colours and wear, made once and kept."""

    person: Person
    shape: np.ndarray
    skin: np.ndarray
    eyes: np.ndarray
    cover: wearing.Layer | None
    strands: tuple[np.ndarray, np.ndarray] | None
    creases: dict[str, np.ndarray] = field(repr=False)


@lru_cache(maxsize=64)
def dress(seed: int, number: int) -> Dressed:
    """Draw, shape and paint person `number`."""
    head = load_head()
    person = draw_person(seed, number)
    return Dressed(
        person,
        neutral_shape(head, person),
        painting.skin_colours(head, person, seed),
        painting.eye_colours(head, person),
        wearing.head_cover(head, person, seed),
        wearing.strands(head, person, seed),
        crease_maps(),
    )


@lru_cache(maxsize=1)
def crease_maps() -> dict[str, np.ndarray]:
    """The crease maps of the base mesh, made once."""
    return painting.crease_masks(load_head())


def posed(head: Head, vertices: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Base vertices with the head turned on the neck."""
    return vertices + head.head_weight[:, None] * (vertices @ turn.T - vertices)


def to_mesh(
    name: str,
    points: np.ndarray,
    normals: np.ndarray | None,
    quads: np.ndarray,
    colour: np.ndarray | tuple[float, float, float],
    roughness: float,
    specular: float,
) -> mi.Mesh:
    """A Mitsuba mesh with colours per point."""
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(
        {
            "type": "twosided",
            "inner": {
                "type": "principled",
                "base_color": {"type": "mesh_attribute", "name": "vertex_color"},
                "roughness": roughness,
                "specular": specular,
            },
        }
    )
    mesh = mi.Mesh(name, len(points), len(triangles), has_vertex_normals=normals is not None, props=properties)
    colour = np.broadcast_to(colour, points.shape)
    mesh.add_attribute("vertex_color", 3, np.ascontiguousarray(colour, np.float32).ravel())
    values = mi.traverse(mesh)
    values["vertex_positions"] = np.ascontiguousarray(points, np.float32).ravel()
    values["faces"] = triangles.astype(np.uint32).ravel()
    if normals is not None:
        values["vertex_normals"] = np.ascontiguousarray(normals, np.float32).ravel()
    values.update()
    return mesh


def layer_mesh(name: str, layer: wearing.Layer, points: np.ndarray, normals: np.ndarray) -> mi.Mesh:
    """The mesh of a shell over skin points."""
    shell = points[layer.points] + normals[layer.points] * layer.thickness[:, None]
    return to_mesh(name, shell, normals[layer.points], layer.quads, layer.colour, layer.roughness, 0.2)


def meshes(head: Head, dressed: Dressed, shot: Shot) -> tuple[list[mi.Mesh], np.ndarray]:
    """All meshes of a shot, and the posed skin points (n, 3) for the face box."""
    moved = dressed.shape + np.einsum(
        "u,uvc->vc", shot.weights[shot.weights > 0].astype(np.float32), head.units[shot.weights > 0]
    )
    turn = rotation(shot.yaw, shot.pitch, shot.roll)
    vertices = posed(head, moved, turn)
    normals = vertex_normals(head, vertices)

    def part(name: str) -> tuple[np.ndarray, np.ndarray]:
        matrix = head.parts[name].matrix
        return matrix @ vertices, matrix @ normals

    skin, skin_normals = part("skin")
    units = dict(zip(head.unit_names, shot.weights, strict=True))
    colours = painting.creased(dressed.skin, dressed.creases, painting.crease_depths(units, dressed.person.age))
    quads = head.parts["skin"].quads
    if dressed.person.cover == "scarf":
        quads = quads[~(head.masks["ears"][quads] > 0.3).any(axis=1)]
    found = [to_mesh("skin", skin, skin_normals, quads, colours, 0.48, 0.38)]
    for name, colour, roughness, specular in (
        ("eyes", dressed.eyes, 0.10, 0.6),
        ("teeth", (0.78, 0.75, 0.67), 0.25, 0.5),
        ("tongue", (0.42, 0.12, 0.12), 0.35, 0.5),
    ):
        found.append(to_mesh(name, *part(name), head.parts[name].quads, colour, roughness, specular))
    if dressed.person.sex == "female":
        found.append(to_mesh("lashes", *part("lashes"), head.parts["lashes"].quads, (0.01, 0.01, 0.01), 0.8, 0.1))
    if dressed.cover is not None:
        found.append(layer_mesh("cover", dressed.cover, skin, skin_normals))
    if dressed.strands is not None:
        quads, colour = dressed.strands
        found.append(to_mesh("strands", *part("hair"), quads, colour, 0.55, 0.3))
    found += occluders(head, dressed, shot, turn)
    return found, skin


def occluders(head: Head, dressed: Dressed, shot: Shot, turn: np.ndarray) -> list[mi.Mesh]:
    """Glasses, face scarf and hand of a shot."""
    found = []
    if shot.glasses is not None:
        points = head.parts["eyes"].matrix @ dressed.shape
        left = points[:, 0] > 0
        centres = np.stack([points[left].mean(axis=0), points[~left].mean(axis=0)])
        roundness, dark, colour = shot.glasses
        for i, (points, quads, paint) in enumerate(wearing.glasses(centres, roundness, dark, np.asarray(colour))):
            found.append(to_mesh(f"glasses{i}", points @ turn.T, None, quads, paint, 0.25, 0.5))
    if shot.scarf is not None:
        colour, top = shot.scarf
        rest = posed(head, dressed.shape, turn)
        matrix = head.parts["skin"].matrix
        layer = wearing.face_scarf(head, np.asarray(colour), top)
        found.append(layer_mesh("scarf", layer, matrix @ rest, matrix @ vertex_normals(head, rest)))
    if shot.hand is not None:
        points, normals, quads = head.hand
        x, y, angle, left = shot.hand
        mirror = np.array([1.0 if left else -1.0, 1, 1])
        spin = rotation(0, -12, angle)
        place = np.array([x, y, 1.78])
        found.append(
            to_mesh(
                "hand",
                ((points * mirror) @ spin.T + place) @ turn.T,
                (normals * mirror) @ spin.T @ turn.T,
                quads,
                dressed.person.skin * 0.97,
                0.5,
                0.35,
            )
        )
    return found


def face_box(head: Head, shot: Shot, skin: np.ndarray) -> tuple[int, int, int, int]:
    """Smallest box x, y, width, height (pixels) round the face from hairline to chin, inside the picture."""
    places = head.parts["skin"].rest
    _, y, z = places.T
    face = (y > 6.1) & (y < 8.0) & (z > np.where(y < 6.6, 0.95, 0.45)) & (head.masks["inside-mouth"] < 0.1)
    pixels = project(shot, skin[face])
    low = np.clip(np.floor(pixels.min(axis=0)), 0, shot.size - 1)
    high = np.clip(np.ceil(pixels.max(axis=0)), 1, shot.size)
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def render(seed: int, number: int, shot: Shot) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Linear RGB and coverage (size, size, 4) of a shot before an empty background, and the face box."""
    head = load_head()
    found, skin = meshes(head, dress(seed, number), shot)
    eye, target = camera(shot)
    scene = {
        "type": "scene",
        "integrator": {
            "type": "direct",
            "hide_emitters": True,
            "emitter_samples": 2,
            "bsdf_samples": 1,
        },
        "sensor": {
            "type": "perspective",
            "fov": float(np.degrees(2 * np.arctan(shot.span / 2 / DISTANCE))),
            "to_world": mi.ScalarTransform4f().look_at(eye.tolist(), target.tolist(), [0, 1, 0]),
            "film": {
                "type": "hdrfilm",
                "width": shot.size,
                "height": shot.size,
                "pixel_format": "rgba",
                "rfilter": {"type": "gaussian", "stddev": 0.45},
            },
            "sampler": {
                "type": "multijitter",
                "sample_count": shot.samples,
                "seed": shot.seed % 2**31,
            },
        },
        "ambient": {"type": "constant", "radiance": {"type": "rgb", "value": list(shot.ambient)}},
    }
    for i, lamp in enumerate(shot.lamps):
        a, b = np.radians([lamp.yaw, lamp.pitch])
        place = 10.0 * np.array([np.sin(a) * np.cos(b), np.sin(b), np.cos(a) * np.cos(b)])
        strength = 30.0 / lamp.radius**2
        scene[f"lamp{i}"] = {
            "type": "sphere",
            "center": place.tolist(),
            "radius": lamp.radius,
            "emitter": {
                "type": "area",
                "radiance": {"type": "rgb", "value": [strength * p for p in lamp.power]},
            },
        }
    scene.update({f"mesh{i}": mesh for i, mesh in enumerate(found)})
    image = np.array(mi.render(mi.load_dict(scene), seed=shot.seed % 2**31))
    return image, face_box(head, shot, skin)
