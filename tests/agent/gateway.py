# SPDX-License-Identifier: Apache-2.0
"""The controller as agents see it, of a test's own."""
import concurrent.futures
import queue
import threading

import basekit
import grpc

NEVER_S = 3600


class Controller:
    """Takes reports. .reports: a queue of them. .next_s: what it asks for. .refuse: it fails each call. .baseline: the
    ModuleSpecs that belong on the base; None: it is an old one, and says nothing of that. Use as a context."""

    def __init__(self, protos, port=0):
        self.proto = protos["koupleless.controller.v1"]
        self.reports = queue.Queue()
        self.next_s, self.refuse = NEVER_S, False
        self.baseline, self.asked = [], []
        self.hold = threading.Event()
        self.hold.set()
        outer = self

        class Servicer(self.proto.AgentGatewayServiceServicer):
            def Report(self, request, context):
                outer.reports.put(request)
                outer.hold.wait(60)
                if outer.refuse:
                    context.abort(grpc.StatusCode.UNAVAILABLE, "not the leader")
                response = outer.proto.ReportResponse()
                response.next_report.FromMilliseconds(int(outer.next_s * 1000))
                return response

            def GetBaseline(self, request, context):
                outer.asked.append(f"{request.namespace}/{request.base_name}")
                if outer.refuse:
                    context.abort(grpc.StatusCode.UNAVAILABLE, "not the leader")
                answer = outer.baseline
                outer.hold.wait(60)
                if answer is None:
                    context.abort(grpc.StatusCode.UNIMPLEMENTED, "not yet")
                return outer.proto.GetBaselineResponse(modules=answer)

        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4),
                                  options=[("grpc.so_reuseport", 0)])
        self.proto.add_AgentGatewayServiceServicer_to_server(Servicer(), self.server)
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        self.server.start()

    def next(self, condition=lambda report: True):
        """The next report that fits."""
        while True:
            report = self.reports.get(timeout=basekit.WATCHDOG_S)
            if condition(report):
                return report

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.hold.set()
        self.server.stop(0).wait()
