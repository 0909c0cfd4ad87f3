"""A raffle's picture, uploaded with the program of docs/quickstart.md, comes with the raffle's details."""

import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import requests
from PIL import Image, ImageDraw

from tests.support.running import ROOT, OnThePhone, Run
from tests.support.running_sales import new_code
from tests.support.world import text_of

SECONDS = 300


def photo() -> bytes:
    """A JPEG as a camera makes them: large, and in colour."""
    image = Image.new("RGB", (1600, 1200), "#b04020")
    ImageDraw.Draw(image).ellipse((300, 200, 1300, 1000), fill="#ffcc44")
    file = BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


def program(run: Run) -> str:
    """The program in the page, for this run."""
    page = (ROOT / "docs" / "quickstart.md").read_text("utf-8")
    [found] = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "/picture" in block)
    return str(found).replace("http://127.0.0.1:8000", run.ports.api_url)


def test_a_picture_is_uploaded_with_the_form_and_comes_with_the_details(
    run: Run, lucia: OnThePhone, tmp_path: Path
) -> None:
    raffle = run.raffle(new_code(), last_number=100)
    file = tmp_path / "prize.jpg"
    file.write_bytes(content := photo())
    (tmp_path / "picture.py").write_text(program(run), "utf-8")
    command = [sys.executable, "picture.py", raffle["code"], file.name]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"200 {{'mime_type': 'image/jpeg', 'size': {len(content)}}}\n"

    details = lucia.says(raffle["code"])
    assert raffle["title"] in text_of(details)
    media_id = details["interactive"]["header"]["image"]["id"]
    shown = run.meta.get(f"{run.ports.phone_url}/phone/media/{media_id}", timeout=SECONDS)
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/jpeg")
    assert shown.content == content


def test_the_form_takes_no_file_that_is_too_large(run: Run) -> None:
    """The bucket itself refuses it, so nobody can fill it through the form."""
    raffle = run.raffle(new_code(), last_number=100)
    path = f"/api/raffles/{raffle['id']}/picture"
    offer = run.api("POST", path, {"mime_type": "image/jpeg"})
    large = requests.post(
        offer["url"], data=offer["fields"], files={"file": photo() + bytes(5 * 1024 * 1024)}, timeout=SECONDS
    )
    taken = run.organiser.put(f"{run.api_url}{path}", json={"id": offer["id"]}, timeout=SECONDS)
    assert large.status_code == 400 and "EntityTooLarge" in large.text
    assert (taken.status_code, taken.json()["code"]) == (422, "upload_not_found")
