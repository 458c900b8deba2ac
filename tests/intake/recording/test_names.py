"""Ids of a recording get their new names in the calls that follow, and nothing else is changed."""

from uuid import uuid4

from intake.recording.names import Names

OLD, NEW = (str(uuid4()) for _ in "12")


def learnt() -> Names:
    names = Names()
    names.learn(OLD, NEW)
    names.learn(7, 19)
    return names


def test_paths_have_the_ids_of_now() -> None:
    names = learnt()

    assert names.path(f"/v1/orders/{OLD}/cancel") == f"/v1/orders/{NEW}/cancel"
    assert names.path("/v9/orders/7?client_id=17") == "/v9/orders/19?client_id=17"
    assert names.path("/v7/orders/77") == "/v7/orders/77"


def test_bodies_keep_every_other_letter() -> None:
    def body(id_: int, ticket: str) -> str:
        return (
            f'{{ "id":{id_}, "quantity": 7,"price": 45.50, "ticket_ids": ["{ticket}"],'
            f' "order_id" : "{id_}", "note":"7 \\"id\\""}}'
        )

    assert learnt().body(body(7, OLD)) == body(19, NEW)


def test_idempotency_keys_are_new_and_repeats_stay_repeats() -> None:
    names, later = Names(), Names()
    body = '{"idempotency_key": "shop-1"}'

    assert names.body(body) == names.body(body) != body
    assert names.key("shop-1") in names.body(body)
    assert names.key("shop-1") != names.key("shop-2")
    assert names.key("shop-1") != later.key("shop-1")
    assert len(names.key("k" * 200)) <= 200


def test_links_get_the_signatures_of_now() -> None:
    names = learnt()
    names.learn_link(f"http://127.0.0.1:8000/documents/orders/{NEW}.pdf?expires=2&signature=new")

    assert names.path(f"/documents/orders/{OLD}.pdf?expires=1&signature=…") == (
        f"/documents/orders/{NEW}.pdf?expires=2&signature=new"
    )
