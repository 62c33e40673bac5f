# SPDX-License-Identifier: Apache-2.0
"""Certificates of a Kubernetes API server for tests, made with openssl; kubeconfig files."""
import json
import subprocess

_EXTENSIONS = {
    "server": "extendedKeyUsage=serverAuth\nsubjectAltName=IP:{host},DNS:localhost,DNS:kubernetes.default.svc\n",
    "client": "extendedKeyUsage=clientAuth\n",
}


def make(folder, host):
    """Into @folder: ca, server (of the API server at the address @host), admin and controllers (clients), each
    as NAME.crt and NAME.key; and accounts.key, accounts.pub for the tokens of ServiceAccounts."""
    _openssl(folder, "req", "-x509", *_new_key("ca"), "-subj", "/CN=test authority", "-out", "ca.crt", "-days", "3650",
             "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    leaf(folder, "server", "/CN=kube-apiserver", "server", host)
    leaf(folder, "admin", "/O=system:masters/CN=admin")
    leaf(folder, "controllers", "/CN=system:kube-controller-manager")
    _openssl(folder, "genrsa", "-out", "accounts.key", "2048")
    _openssl(folder, "rsa", "-in", "accounts.key", "-pubout", "-out", "accounts.pub")


def leaf(folder, name, subject, kind="client", host=None):
    """NAME.crt and NAME.key, signed by ca; @subject: "/O=GROUP/CN=USER" to the API server."""
    _openssl(folder, "req", *_new_key(name), "-subj", subject, "-out", f"{name}.csr")
    extensions = folder / f"{name}.ext"
    extensions.write_text(_EXTENSIONS[kind].format(host=host), encoding="utf-8")
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
             "-days", "3650", "-extfile", extensions.name, "-out", f"{name}.crt")


def _new_key(name):
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]


def _openssl(folder, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, f"openssl {arguments[0]}: {done.stderr}"


def write_kubeconfig(path, server, authority, user, namespace="default"):
    """@user: the "user" of a kubeconfig, as {"token": ...}. JSON is YAML too. Returns @path."""
    path.touch(mode=0o600)
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": str(authority)}}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
    }, indent=1), encoding="utf-8")
    return path
