"""Every test of a task opens its resources anew."""

from tests.task_resources import fresh_resources

__all__ = ["fresh_resources"]
