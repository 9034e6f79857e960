"""A TCP proxy before a server: it keeps what passes, and may treat answers badly.

    proxy = Proxy(server.port)      listens on proxy.port at once
    proxy.sent, proxy.received      bytes of each connection, by number: what clients said, what the server said
    proxy.answer = function         (connection's socket, bytes from the server) in place of passing them on
    proxy.ask = function            (server's socket, bytes from the client) likewise; an OSError ends the connection
    requests(proxy)                 the HTTP requests that passed: (method, path, headers, body)
"""

import socket
import threading


class Proxy:
    def __init__(self, to_port, port=0):
        self.to_port, self.sent, self.received, self.answer, self.ask = to_port, [], [], None, None
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.to_port), timeout=10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self.sent.append(bytearray())
            self.received.append(bytearray())
            number = len(self.sent) - 1
            threading.Thread(target=self.pump, args=(client, server, self.sent[number], False), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, self.received[number], True), daemon=True).start()

    def pump(self, source, sink, kept, is_answer):
        try:
            while data := source.recv(65536):
                kept += data
                instead = self.answer if is_answer else self.ask
                if instead:
                    instead(sink, data)
                else:
                    sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def requests(proxy):
    found = []
    for stream in proxy.sent:
        rest = bytes(stream)
        while b"\r\n\r\n" in rest:
            head, rest = rest.split(b"\r\n\r\n", 1)
            first, *lines = head.decode("latin-1").split("\r\n")
            method, path, _ = first.split(" ", 2)
            headers = dict(line.split(": ", 1) for line in lines if ": " in line)
            n = int(headers.get("Content-Length", 0))
            found.append((method, path, headers, rest[:n]))
            rest = rest[n:]
    return found


class Holding:
    """Holds back the next request that matches, as a slow or lying server would; all others pass.

        held = Holding(proxy, b"/entries HTTP")     from now on
        held.wait()                                 until one came whole
        held.release()                              hands it on, also where who sent it is gone
        held.data                                   what it said
    """

    def __init__(self, proxy, what):
        self.proxy, self.what, self.sink, self.data = proxy, what, None, bytearray()
        self.came, self.lock = threading.Event(), threading.Lock()
        self.is_over = False
        proxy.ask = self.ask

    def ask(self, sink, data):
        with self.lock:
            if not self.is_over and (sink is self.sink or (self.sink is None and data.startswith(b"POST") and self.what in data)):
                self.sink = sink
                self.data += data
                head, _, body = bytes(self.data).partition(b"\r\n\r\n")
                length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if length and len(body) >= int(length[0]):
                    self.came.set()
                return
        sink.sendall(data)

    def wait(self):
        return self.came.wait(60)

    def release(self):
        with self.lock:
            self.is_over = True
            try:
                self.sink.sendall(bytes(self.data))
            except OSError:
                with socket.create_connection(("127.0.0.1", self.proxy.to_port), timeout=30) as again:
                    again.sendall(bytes(self.data))
                    again.recv(65536)
