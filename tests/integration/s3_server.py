"""A strict stand-in for S3: it takes a PUT only with a valid Signature Version 4, in whole, into the bucket that it has.

Written from the specification (docs.aws.amazon.com, "Signature Calculations for the Authorization Header") and from nothing else, so that
it does not share mistakes with the program under test.
"""
import collections
import contextlib
import datetime
import hashlib
import hmac
import http.server
import re
import socket
import threading
import urllib.parse

ACCESS_KEY, SECRET_KEY, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-north-1"
UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


def keyed(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class S3:
    """with S3() as s3: ...   s3.objects: name -> bytes. virtual_host: buckets are taken from Host."""

    def __init__(self, bucket="cold", virtual_host=False):
        self.bucket = bucket
        self.objects = {}
        self.removed = {}
        self.keeps = None  # The answer to each DELETE.
        self.puts = collections.Counter()
        self.refused = []
        self.changed = []
        self.answers = collections.deque()
        self.before_answer = None
        self.amid_body = None  # Called when half of an object is there.
        self.torn = 0          # Objects of which the rest never came.
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self):
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length // 2)
                if outer.amid_body:
                    outer.amid_body()
                with contextlib.suppress(ConnectionError):
                    body += self.rfile.read(length - len(body))
                if len(body) < length:
                    outer.torn += 1
                    self.close_connection = True
                    return
                path, host = self.path, self.headers["Host"]
                if virtual_host:
                    bucket, name = host.split(".")[0], path.lstrip("/")
                else:
                    _, bucket, name = path.split("/", 2)
                problem = outer.problem(self.command, path, self.headers, body)
                if not problem and bucket != outer.bucket:
                    problem = (404, "NoSuchBucket", "The specified bucket does not exist")
                with outer.lock:
                    if not problem and outer.answers:
                        problem = outer.answers.popleft()
                    if problem:
                        outer.refused.append(problem)
                    else:
                        name = urllib.parse.unquote(name)
                        if outer.objects.get(name, body) != body:
                            outer.changed.append(name)
                        outer.objects[name] = body
                        outer.puts[name] += 1
                if outer.before_answer and not problem:
                    outer.before_answer()
                status, code, text = problem or (200, "", "")
                answer = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>".encode() if problem else b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def do_DELETE(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                problem = outer.problem(self.command, self.path, self.headers, body)
                name = urllib.parse.unquote(self.path.lstrip("/") if virtual_host else self.path.split("/", 2)[2])
                with outer.lock:
                    problem = problem or outer.keeps
                    if not problem:
                        outer.removed[name] = outer.objects.pop(name)
                status, code, text = problem or (204, "", "")
                answer = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>".encode() if problem else b""
                self.send_response(status)
                if problem:
                    self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # What has not been read stays with the sender.
        self.server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def problem(method, path, headers, body):
        """None if the signature holds, else (status, code, text)."""
        if any(c not in UNRESERVED + "/%" for c in path):
            return 400, "InvalidURI", f"not encoded as S3 encodes: {path}"
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?"
                             r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})", headers.get("Authorization", ""))
        if not match:
            return 403, "AccessDenied", "no signature"
        access_key, day, region, names, signature = match.groups()
        if access_key != ACCESS_KEY:
            return 403, "InvalidAccessKeyId", "unknown key"
        if region != REGION:
            return 400, "AuthorizationHeaderMalformed", f"the region is {REGION}"
        stamp = headers.get("x-amz-date", "")
        moment = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        if not stamp.startswith(day) or abs(moment - datetime.datetime.now(datetime.timezone.utc)) > datetime.timedelta(minutes=15):
            return 403, "RequestTimeTooSkewed", stamp
        if headers.get("x-amz-content-sha256") != hashlib.sha256(body).hexdigest():
            return 400, "XAmzContentSHA256Mismatch", "the body is another one"
        signed = names.split(";")
        wanted = {"host"} | {name.lower() for name in headers if name.lower().startswith("x-amz-")}
        if signed != sorted(signed) or not wanted <= set(signed):
            return 403, "AccessDenied", f"not all of {wanted} are signed"
        canonical = "\n".join([
            method, path, "", *(f"{name}:{' '.join(headers[name].split())}" for name in signed), "", names,
            headers["x-amz-content-sha256"]])
        scope = f"{day}/{region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + SECRET_KEY).encode()
        for part in (day, region, "s3", "aws4_request"):
            key = keyed(key, part)
        if not hmac.compare_digest(keyed(key, text).hex(), signature):
            return 403, "SignatureDoesNotMatch", "The request signature we calculated does not match"
        return None

    def fail(self, status, code, text="told to"):
        """The answer to the next request that would be taken."""
        self.answers.append((status, code, text))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
