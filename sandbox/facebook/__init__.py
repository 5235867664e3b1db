"""The Graph API of Facebook."""
