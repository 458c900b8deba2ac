"""What is sent to the tasks here opens their resources anew; some of it goes through real brokers."""

from tests.queue.conftest import broker, rabbitmq
from tests.task_resources import fresh_resources

__all__ = ["broker", "fresh_resources", "rabbitmq"]
