"""Celery's own connections to the broker: to a working node, too."""

from celery.app.amqp import AMQP

from willcall.node_connection import NodeConnection


class NodeAMQP(AMQP):
    """Celery's AMQP with our connections, for all that Celery opens itself."""

    Connection = NodeConnection
    BrokerConnection = NodeConnection
