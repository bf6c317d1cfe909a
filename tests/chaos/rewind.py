"""Sets a group's offsets back to the start, in a process of its own: `python -m tests.chaos.rewind BOOTSTRAP GROUP TOPIC…`.

Its client ends its whole process now and then when the broker is killed in the middle of the question; a storm died of it.
"""

import sys

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from libs.messaging.topics import topics


def main(bootstrap: str, group: str, *names: str) -> int:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    every = [
        TopicPartition(name, number, 0)
        for name in names
        for number in range(topics()[name].partitions)
    ]
    asked = ConsumerGroupTopicPartitions(group, every)
    try:
        for answer in admin.alter_consumer_group_offsets([asked], request_timeout=10).values():
            answer.result(12)
    except (KafkaException, TimeoutError):  # the dead members' session is not over yet
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
