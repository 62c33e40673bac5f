# SPDX-License-Identifier: Apache-2.0
"""Our services for Python tests: code generated from proto/ when the tests start, and what a failed call says.

    protos = protokit.load(tmp_path_factory.mktemp("protos"))
    scheduler = protos["koupleless.scheduler.v1"]
    stub = scheduler.SchedulerServiceStub(protokit.channel("127.0.0.1:9091"))
    stub.Place(scheduler.PlaceRequest(replicas=1), timeout=protokit.DEADLINE_S)
"""
import importlib
import pathlib
import shutil
import subprocess
import sys
import types

import google
import grpc

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PROTO = TOP / "proto"
DEADLINE_S = 60  # generous: nothing is judged by time
MESSAGE_BYTES_MAX = 16 << 20  # LIMIT_RPC_MESSAGE of lib/base/limits.h

_packages = {}


def load(build_tmp_dir):
    """Package ("koupleless.scheduler.v1") -> all that its files define: messages, enums, stubs, servicers.

    The code is generated into @build_tmp_dir by the first call; later ones give the same modules, since a
    process can hold a message type only once.
    """
    if not _packages:
        files = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
        generate(files, pathlib.Path(build_tmp_dir))
        for file in files:
            add(file)
    return _packages


def generate(files, out):
    """Runs protoc and gRPC's plugin, and lets Python find the result."""
    plugin = shutil.which("grpc_python_plugin")
    assert plugin, "grpc_python_plugin is missing (scripts/install-deps.sh --for test)"
    subprocess.run(["protoc", f"-I{PROTO}", f"--python_out={out}", f"--grpc_python_out={out}",
                    f"--plugin=protoc-gen-grpc_python={plugin}", *files], check=True)
    # "google" and "grpc" are installed packages too: their search paths take ours in.
    google.__path__.append(str(out / "google"))
    grpc.__path__.append(str(out / "grpc"))
    sys.path.insert(0, str(out))


def add(file):
    """Imports the code of one proto into its package."""
    stem = file.removesuffix(".proto").replace("/", ".")
    messages = importlib.import_module(stem + "_pb2")
    calls = importlib.import_module(stem + "_pb2_grpc")
    package = _packages.setdefault(messages.DESCRIPTOR.package, types.SimpleNamespace())
    for module in (messages, calls):
        for name, value in vars(module).items():
            if not name.startswith("_") and not isinstance(value, types.ModuleType):
                setattr(package, name, value)


def channel(address, credentials=None):
    """A channel of its own to HOST:PORT; plaintext without @credentials."""
    options = [("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
               ("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]
    if credentials:
        return grpc.secure_channel(address, credentials, options)
    return grpc.insecure_channel(address, options)


class Failure:
    """What a failed call says: .code, .message, .reason (of ErrorInfo), .domain, .metadata, .fields (wrong ones)."""

    def __init__(self, error):
        self.code, self.message = error.code(), error.details()
        self.reason = self.domain = None
        self.metadata, self.fields = {}, []
        rpc = _packages["google.rpc"]
        status = rpc.Status()
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                status.ParseFromString(value)
        for detail in status.details:
            info, request = rpc.ErrorInfo(), rpc.BadRequest()
            if detail.Unpack(info):
                self.reason, self.domain, self.metadata = info.reason, info.domain, dict(info.metadata)
            if detail.Unpack(request):
                self.fields += [violation.field for violation in request.field_violations]


def failure(method, request, **options):
    """Calls a unary method that has to fail, and tells how."""
    try:
        answer = method(request, timeout=DEADLINE_S, **options)
    except grpc.RpcError as error:
        return Failure(error)
    raise AssertionError(f"the call succeeded: {str(answer)[:400]}")
