"""A database in which one order fails, as a bug would make it."""

from typing import Literal

from sqlalchemy import Engine, text


def poison_orders(engine: Engine, *, before: Literal["INSERT", "UPDATE"]) -> None:
    """Let every such statement fail that writes an order with the reference `poison`, until `cure_orders`."""
    with engine.begin() as connection:
        connection.execute(
            text(f"""
            CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.reference = 'poison' THEN RAISE EXCEPTION 'a bug'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse_poison BEFORE {before} ON orders
                FOR EACH ROW EXECUTE FUNCTION refuse_poison();
            """)
        )


def cure_orders(engine: Engine) -> None:
    """End what `poison_orders` began; nothing happens where it is cured."""
    with engine.begin() as connection:
        connection.execute(text("DROP FUNCTION IF EXISTS refuse_poison CASCADE"))
