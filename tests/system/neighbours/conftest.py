"""What is sent to the tasks here opens their resources anew."""

from tests.task_resources import fresh_resources

__all__ = ["fresh_resources"]
