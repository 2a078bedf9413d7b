#!{{.Python}} -ISs
# Runs {{.Program}} in a process of preload.py, or starts it where that is not
# possible: without a server, or on another terminal than the server's.
import os, sys, marshal, _socket, array

def start():
    os.execv({{printf "%q" .Program}}, [{{printf "%q" .Program}}, *sys.argv[1:]])

if os.getsid(0) != {{.Session}}:
    start()
server = _socket.socket(_socket.AF_UNIX)
try:
    server.connect({{printf "%q" .Socket}})
except OSError:
    start()
body = marshal.dumps(([os.fsdecode(a) for a in sys.argv[1:]], dict(os.environb), os.getcwd()))
streams = array.array("i", [0, 1, 2]).tobytes()
server.sendmsg([len(body).to_bytes(8, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
server.sendall(body)
status = server.recv(1)
os._exit(status[0] if status else 1)
