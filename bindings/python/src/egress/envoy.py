"""What an Envoy is started with."""

from egress import lowlevel
from egress.errors import ArgumentError, check, new_diag


def bootstrap(
    node_id: str,
    control_plane: str,
    *,
    node_cluster: str | None = None,
    admin_address: str | None = None,
    tls_ca: str | None = None,
    tls_name: str | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
    keepalive_ms: int = 0,
    delta: bool = False,
) -> str:
    """The JSON file that Envoy starts from: who it is, where its control plane is, and a local admin page.

    ``control_plane`` is where the server listens, ``"ADDRESS:PORT"`` or ``"unix:/PATH"``. ``node_cluster`` (default
    ``"egress"``) is the group whose snapshot the Envoy gets. ``tls_ca``, ``tls_cert`` and ``tls_key`` are PEM files on
    Envoy's machine, ``tls_name`` the name in the server's certificate. ``delta``: the incremental variant of xDS.
    """
    options = (
        node_id,
        node_cluster,
        control_plane,
        admin_address,
        tls_ca,
        tls_name,
        tls_cert,
        tls_key,
        keepalive_ms,
        int(delta),
    )
    diag = new_diag()
    code, text = lowlevel.egress_bootstrap(options, diag)
    check(code, ArgumentError, diag)
    return text
