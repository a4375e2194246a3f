import { Annotations } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { refuse } from './refuse.js'
import type { Network } from './source.js'

/**
 * The network of a pipeline's functions: that of the sources that have one. All those sources must share one network.
 * The functions get all their security groups.
 */
export function networkOf(where: string, networks: readonly Network[]): Network | undefined {
  const [first] = networks
  if (first === undefined) return undefined
  if (networks.some(({ vpc }) => vpc !== first.vpc))
    refuse(
      where,
      'network',
      'more than one VPC',
      'The functions of a pipeline are in one VPC.',
      'Peer the networks and give all sources the same one, or split the pipeline in two.',
    )
  if (new Set(networks.map(subnetsOf)).size > 1)
    refuse(
      where,
      'network.vpcSubnets',
      'more than one choice',
      'The functions of a pipeline are in one set of subnets, from which they reach all brokers.',
      'Give all sources the same vpcSubnets, or split the pipeline in two.',
    )
  const securityGroups = [...new Set(networks.flatMap((network) => network.securityGroups ?? []))]
  return { ...first, securityGroups }
}

const subnetsOf = ({ vpc, vpcSubnets }: Network): string => [...vpc.selectSubnets(vpcSubnets).subnetIds].sort().join()

/**
 * A function in a subnet without internet access only reaches S3 through a VPC endpoint. Without one, it would get
 * stuck at its first dead letter. A user who has an endpoint can acknowledge the warning.
 */
export function warnOfBuckets(scope: Construct, { vpc, vpcSubnets }: Network): void {
  const closed = [...vpc.isolatedSubnets, ...vpc.publicSubnets]
  if (!vpc.selectSubnets(vpcSubnets).subnets.some((subnet) => closed.includes(subnet))) return
  Annotations.of(scope).addWarningV2(
    'millrace:s3-endpoint',
    "The functions are in subnets without a NAT gateway and write dead letters to S3. Give the VPC an S3 endpoint (vpc.addGatewayEndpoint('S3', { service: GatewayVpcEndpointAwsService.S3 }), free) and acknowledge this, or give sinks: { 'dead-letter': 'table' }.",
  )
}
