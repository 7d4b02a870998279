"""One loader per dataset, for the layout in which it is handed out and the well-known repackagings."""

from fer_utils.datasets.loaders import amfed, bp4d, ckplus, fer2013, jaffe, kdef, oulu_casia, rafd, rafdb, rendered_faces, sfew

__all__ = ["amfed", "bp4d", "ckplus", "fer2013", "jaffe", "kdef", "oulu_casia", "rafd", "rafdb", "rendered_faces", "sfew"]
