"""An AWS for one machine: moto's server, with what a CDK stack has and moto does not know.

Two resource types get a real backend (the global tables of CDK's TableV2, alarms), and mappings may be of Kafka. Any other type that moto lacks is
made inert: Ref and GetAtt resolve, nothing is behind it, and the server prints `INERT TYPE NAME`, so that a test can
hold the list of them against what it expects.
"""

import sys

from moto.awslambda.models import EventSourceMapping, LambdaBackend, lambda_backends
from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.common_models import CloudFormationModel
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.server import main

MODULE = "moto.cloudformation.local"


class Resource(CloudFormationModel):
    """A resource with a name, which is all that a template can ask for."""

    __module__ = MODULE
    type_name = "Local::Inert"
    name_property = ""
    attributes = ()

    def __init__(self, name):
        self.name = name

    @classmethod
    def cloudformation_name_type(cls):
        return cls.name_property

    @classmethod
    def cloudformation_type(cls):
        return cls.type_name

    @classmethod
    def has_cfn_attr(cls, attr):
        return not cls.attributes or attr in cls.attributes

    @property
    def physical_resource_id(self):
        return self.name

    def get_cfn_attribute(self, attr):
        return f"arn:aws:local:::{self.name}/{attr}"

    @classmethod
    def update_from_cloudformation_json(cls, original_resource, *_args, **_kwargs):
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, *_args, **_kwargs):
        pass


class Inert(Resource):
    __module__ = MODULE

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, *_args, **_kwargs):
        print("INERT", cloudformation_json["Type"], resource_name, flush=True)
        return cls(resource_name)


class GlobalTable(Resource):
    """A table with one replica is a table of that region."""

    __module__ = MODULE
    type_name = "AWS::DynamoDB::GlobalTable"
    name_property = "TableName"
    attributes = ("Arn", "StreamArn", "TableId")

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        given = dict(cloudformation_json["Properties"])
        replica = next((one for one in given.get("Replicas", []) if one.get("Region") == region_name), {})
        given["DeletionProtectionEnabled"] = bool(replica.get("DeletionProtectionEnabled"))
        made = Table.create_from_cloudformation_json(
            resource_name, {"Properties": given}, account_id, region_name, **kwargs
        )
        backend = dynamodb_backends[account_id][region_name]
        if "TimeToLiveSpecification" in given:
            backend.update_time_to_live(made.name, given["TimeToLiveSpecification"])
        if "PointInTimeRecoverySpecification" in replica:
            backend.update_continuous_backups(made.name, replica["PointInTimeRecoverySpecification"])
        return made

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, _json, account_id, region_name):
        dynamodb_backends[account_id][region_name].delete_table(resource_name)


class Alarm(Resource):
    __module__ = MODULE
    type_name = "AWS::CloudWatch::Alarm"
    name_property = "AlarmName"
    attributes = ("Arn",)

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_kwargs):
        given = cloudformation_json["Properties"]
        cloudwatch_backends[account_id][region_name].put_metric_alarm(
            name=resource_name,
            namespace=given.get("Namespace"),
            metric_name=given.get("MetricName"),
            comparison_operator=given["ComparisonOperator"],
            evaluation_periods=given["EvaluationPeriods"],
            period=given.get("Period"),
            threshold=given.get("Threshold"),
            statistic=given.get("Statistic"),
            description=given.get("AlarmDescription"),
            dimensions=given.get("Dimensions", []),
            alarm_actions=given.get("AlarmActions", []),
            treat_missing_data=given.get("TreatMissingData"),
        )
        return cls(resource_name)

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, _json, account_id, region_name):
        cloudwatch_backends[account_id][region_name].delete_alarms([resource_name])


class KafkaMapping(EventSourceMapping):
    """moto's mappings are of streams and queues. One of Kafka keeps what it is given, and nothing behind it polls."""

    __module__ = MODULE
    event_source_arn = None
    batch_size = None

    def _get_service_source_from_arn(self, event_source_arn=None):
        return "kafka"


create_mapping = LambdaBackend.create_event_source_mapping


def create_event_source_mapping(self, spec):
    if "Topics" not in spec:
        return create_mapping(self, spec)
    function = self._lambdas.get_function_by_name_or_arn_with_qualifier(spec["FunctionName"])
    given = {"EventSourceArn": None, **spec, "RegionName": self.region_name, "AccountId": self.account_id}
    mapping = KafkaMapping({**given, "FunctionArn": function.function_arn})
    self._event_source_mappings[mapping.uuid] = mapping
    return mapping


def delete_mapping(cls, resource_name, _json, account_id, region_name):
    lambda_backends[account_id][region_name].delete_event_source_mapping(resource_name)


LambdaBackend.create_event_source_mapping = create_event_source_mapping
EventSourceMapping.delete_from_cloudformation_json = classmethod(delete_mapping)

OWN = {kind.type_name: kind for kind in (GlobalTable, Alarm)}
known = parsing.resource_class_from_type


def class_of(resource_type):
    if resource_type in OWN:
        return OWN[resource_type]
    if (
        resource_type in parsing.NULL_MODELS
        or resource_type.startswith("Custom::")
        or resource_type in parsing.get_model_map()
    ):
        return known(resource_type)
    return Inert


parsing.resource_class_from_type = class_of
delete_change_set = CloudFormationBackend.delete_change_set


def delete_change_set_if_any(self, change_set_name):
    try:
        delete_change_set(self, change_set_name)
    except UnboundLocalError:  # moto 5.2.5, where there is none
        pass


CloudFormationBackend.delete_change_set = delete_change_set_if_any
sys.exit(main())
