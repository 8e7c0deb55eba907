"""MiniStack, with the one action of IAM that it names otherwise than AWS, and without the waits of its invocations.

AWS authorises SendMessageBatch as sqs:SendMessage ("Actions, resources, and condition keys for Amazon SQS"); MiniStack
asks for sqs:SendMessageBatch, which no policy on AWS can grant.

Its Runtime API writes the head of an event and then its body; by Nagle's algorithm the body waits until the head is
acknowledged, which the function's side delays by 40 ms. After the answer it waits 50 ms for a first line of log: what a
function logs is in the pipe by then, and a late line is read with the next invocation.
"""

import functools
import socketserver

from ministack.app import main
from ministack.core import iam_actions, lambda_runtime

named_by_ministack = iam_actions.extract_iam_action


def named_by_aws(*arguments, **more):
    action = named_by_ministack(*arguments, **more)
    return "sqs:SendMessage" if action == "sqs:SendMessageBatch" else action


iam_actions.extract_iam_action = named_by_aws
socketserver.StreamRequestHandler.disable_nagle_algorithm = True
lambda_runtime.Worker._drain_stderr_bounded = functools.partialmethod(
    lambda_runtime.Worker._drain_stderr_bounded, first_line_wait=0.01
)

if __name__ == "__main__":
    main()
