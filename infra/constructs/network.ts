import { Annotations } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { refuse } from './refuse.js'
import type { Network } from './source.js'

/**
 * Where the functions of a pipeline are: in one network at most, that of the sources which have one. All their security
 * groups are theirs too.
 */
export function networkOf(where: string, networks: readonly Network[]): Network | undefined {
  const [first] = networks
  if (first === undefined) return undefined
  if (networks.some(({ vpc }) => vpc !== first.vpc))
    refuse(
      where,
      'network',
      'more than one VPC',
      'The functions of a pipeline are in one.',
      'Peer the networks and give all sources one of them, or cut the pipeline in two.',
    )
  if (new Set(networks.map(subnetsOf)).size > 1)
    refuse(
      where,
      'network.vpcSubnets',
      'more than one choice',
      'The functions of a pipeline are in one set of subnets, from which they reach all brokers.',
      'Give all sources the same vpcSubnets, or cut the pipeline in two.',
    )
  const securityGroups = [...new Set(networks.flatMap((network) => network.securityGroups ?? []))]
  return { ...first, securityGroups }
}

const subnetsOf = ({ vpc, vpcSubnets }: Network): string => [...vpc.selectSubnets(vpcSubnets).subnetIds].sort().join()

/**
 * A function in a subnet without a way out reaches S3 by an endpoint alone, and would stand still at its first dead
 * letter. Who has one acknowledges the warning.
 */
export function warnOfBuckets(scope: Construct, { vpc, vpcSubnets }: Network): void {
  const closed = [...vpc.isolatedSubnets, ...vpc.publicSubnets]
  if (!vpc.selectSubnets(vpcSubnets).subnets.some((subnet) => closed.includes(subnet))) return
  Annotations.of(scope).addWarningV2(
    'millrace:s3-endpoint',
    "The functions are in subnets without a NAT gateway, and write dead letters to S3: give the VPC an endpoint of S3 (vpc.addGatewayEndpoint('S3', { service: GatewayVpcEndpointAwsService.S3 }), free) and acknowledge this, or give sinks: { 'dead-letter': 'table' }.",
  )
}
