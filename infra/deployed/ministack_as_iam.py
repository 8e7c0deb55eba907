"""MiniStack, with the one action of IAM that it names otherwise than AWS.

AWS authorises SendMessageBatch as sqs:SendMessage ("Actions, resources, and condition keys for Amazon SQS"); MiniStack
asks for sqs:SendMessageBatch, which no policy on AWS can grant.
"""

from ministack.app import main
from ministack.core import iam_actions

named_by_ministack = iam_actions.extract_iam_action


def named_by_aws(*arguments, **more):
    action = named_by_ministack(*arguments, **more)
    return "sqs:SendMessage" if action == "sqs:SendMessageBatch" else action


iam_actions.extract_iam_action = named_by_aws

if __name__ == "__main__":
    main()
