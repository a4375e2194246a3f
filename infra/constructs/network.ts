import { refuse } from './mapping-rules.js'
import type { Network } from './source.js'

/** Where the functions of a pipeline are: in one network at most, that of the sources which have one. All their security groups are theirs too. */
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
