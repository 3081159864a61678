"""Scopes, compared as the gateway compares them."""

_EVERYTHING = ("*", "legacy:full_access")
_ALIASES = (("memory:", "memories:"), ("api_keys:manage", "api-keys:*"))


def _canonical(scope: str) -> str:
    colons = scope.replace(".", ":")
    for prefix, canonical in _ALIASES:
        if colons.startswith(prefix):
            return canonical + colons[len(prefix) :]
    return colons


def satisfies(granted: list[str], needed: str) -> bool:
    """Whether granted scopes include a required one; a wildcard covers everything below it."""
    required = _canonical(needed)
    return any(
        grant in _EVERYTHING or grant == required or (grant.endswith(":*") and required.startswith(grant[:-1]))
        for grant in map(_canonical, granted)
    )
