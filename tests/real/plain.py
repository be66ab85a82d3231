"""An independent crawler to compare with: urllib, lxml and a loop. Prints every URL that answers 200, one a line."""

import sys
from collections import deque
from urllib.error import HTTPError
from urllib.parse import quote, urldefrag, urljoin, urlsplit
from urllib.request import urlopen

import lxml.html

start = sys.argv[1]
seen, todo = {start}, deque([start])
while todo:
    url = todo.popleft()
    try:
        with urlopen(url) as answer:
            body, kind = answer.read(), answer.headers.get_content_type()
    except HTTPError:
        continue
    print(url)
    if kind != "text/html" or not body.strip():
        continue
    tree = lxml.html.document_fromstring(body)
    for href in tree.xpath("//a/@href | //area/@href"):
        try:
            target = urldefrag(urljoin(url, href.strip())).url
        except ValueError:
            continue
        target = quote(target, safe="%/:?#[]@!$&'()*+,;=-._~")
        if urlsplit(target).netloc == urlsplit(start).netloc and target not in seen:
            seen.add(target)
            todo.append(target)
