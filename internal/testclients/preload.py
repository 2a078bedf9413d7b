"""Serves one Python program to many callers.

Usage: preload.py SOCKET PROGRAM MODULE...

It imports the modules once. For each connection it forks a process that runs
PROGRAM with the arguments, environment, folder and standard streams of the
caller, and answers with the exit status. A caller that hangs up ends its
process. preloaded.py is the caller.

botocore joins paths with the home directory while it is imported. There the home
directory is that of a file descriptor, which each process opens for its caller's.
"""
import array
import gc
import importlib
import marshal
import os
import runpy
import select
import signal
import socket
import sys

HOME = 99


def main():
    os.environ["HOME"] = f"/proc/self/fd/{HOME}"
    address, program, *modules = sys.argv[1:]
    before = dict(os.environb)
    for name in modules:
        module, _, function = name.partition(":")
        loaded = importlib.import_module(module)
        if function:
            getattr(loaded, function)()
    # awscli sets AWS_DATA_PATH when it is imported.
    imported = {k: v for k, v in os.environb.items() if before.get(k) != v and k != b"HOME"}
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    print("ready", flush=True)
    while True:
        caller, _ = server.accept()
        if os.fork() == 0:
            server.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            serve(caller, program, imported)
            os._exit(0)
        caller.close()


def serve(caller, program, imported):
    request, streams = receive(caller)
    pid = os.fork()
    if pid == 0:
        caller.close()
        run(program, request, imported, streams)
    for stream in streams:
        os.close(stream)
    process = os.pidfd_open(pid)
    ready, _, _ = select.select([process, caller], [], [])
    if process not in ready:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    caller.sendall(bytes([code if code >= 0 else 128 - code]))


def receive(caller):
    streams = array.array("i")
    head, ancillary, _, _ = caller.recvmsg(8, socket.CMSG_SPACE(3 * streams.itemsize))
    for _, _, data in ancillary:
        streams.frombytes(data)
    size, body = int.from_bytes(head, "big"), b""
    while len(body) < size:
        body += caller.recv(size - len(body))
    return marshal.loads(body), list(streams)


def run(program, request, imported, streams):
    arguments, environment, folder = request
    os.chdir(folder)
    os.environb.clear()
    os.environb.update({**imported, **environment})
    try:
        home = os.open(os.environ.get("HOME", ""), os.O_RDONLY | os.O_DIRECTORY)
        os.dup2(home, HOME)
        os.close(home)
    except OSError:
        pass  # the caller has none
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    sys.stdin = open(0, closefd=False)
    sys.stdout = open(1, "w", buffering=1 if os.isatty(1) else -1, closefd=False)
    sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")
    sys.argv = [program, *arguments]
    status = 0
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit as end:
        status = end.code
        if status is not None and not isinstance(status, int):
            sys.stdout.flush()
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit((status or 0) & 0xFF)


main()
