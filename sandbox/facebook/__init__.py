"""The Graph API of Facebook, as docs/networks/facebook.md describes it."""

from sandbox.facebook.app import create_facebook_app
from sandbox.facebook.tokens import APP_ID, APP_SECRET, SCOPES, proof_of

__all__ = ["APP_ID", "APP_SECRET", "SCOPES", "create_facebook_app", "proof_of"]
