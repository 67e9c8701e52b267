import hashlib
import hmac

from qhub.commons.datapool import DataPool
from qhub.commons.secret import SecretValue
from src.program import Params, run


def test_each_file_has_its_average_and_the_answer_its_signature(tmp_path):
    (tmp_path / "monday.csv").write_text("station,celsius\nnorth,11.5\nsouth,18.5\n")
    answer = run(Params(column="celsius"), DataPool(str(tmp_path)), SecretValue("key"))
    assert answer.averages == {"monday.csv": 15.0}
    assert answer.signature == hmac.new(b"key", b'{"monday.csv": 15.0}', hashlib.sha256).hexdigest()
