import pytest
from zhihui.events.v1 import events_pb2 as pb

from libs.rpc.validation import InvalidRequest, require_valid


def a_request(**others):
    return pb.UpdateRequestRequest(request=pb.Request(**others))


@pytest.mark.parametrize(
    ("others", "path"),
    [
        ({"title": "a\0"}, "request.title"),
        ({"seats": [pb.Seat(), pb.Seat(topic="\0")]}, "request.seats[1].topic"),
        ({"node_path": ["a", "\0"]}, "request.node_path[1]"),
    ],
)
def test_what_no_database_can_store_is_refused_wherever_it_stands(others, path):
    request = a_request(**others)
    request.update_mask.paths.append("title")
    with pytest.raises(InvalidRequest) as refused:
        require_valid(request)
    assert [one.path for one in refused.value.violations] == [path]


def test_other_control_characters_are_text():
    request = a_request(title="a\x01\n")
    request.update_mask.paths.append("title")
    require_valid(request)
