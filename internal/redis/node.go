package redis

import (
	"context"

	goredis "github.com/redis/go-redis/v9"
)

// everything is the name of the only node there is, or of a cluster as long as its nodes are not known.
const everything = "all"

// node is the one that is asked about a key.
type node struct {
	name   string
	client goredis.UniversalClient
	err    error // why the node is not known
}

// nodeOf finds the node that holds a key, as far as is known; it may have moved.
func (s *Store) nodeOf(ctx context.Context, key string) node {
	cluster, is := s.client.(*goredis.ClusterClient)
	if !is {
		return node{name: everything, client: s.client}
	}
	master, err := cluster.MasterForKey(ctx, key)
	if err != nil {
		return node{name: everything, err: err}
	}
	return node{name: master.Options().Addr, client: master}
}

// put asks once. A node that does not hold the keys has done nothing, so the one it points to is asked.
func (s *Store) put(ctx context.Context, at node, q question) error {
	if at.err != nil {
		return at.err
	}
	err := q(ctx, at)
	if err != nil && elsewhere(err) {
		at.client = s.client // which follows, and learns which node holds what; the clock is still the node's that has held the key
		return q(ctx, at)
	}
	return err
}

func elsewhere(err error) bool {
	_, moved := goredis.IsMovedError(err)
	_, asked := goredis.IsAskError(err)
	return moved || asked
}

// answers says whether a node that was unavailable answers for a key again, or whether another does by now. An answer is asked
// for that depends on the key: a node of a cluster that is not whole answers a ping, and nothing else.
func (s *Store) answers(name, key string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), s.AnswerTime)
	defer cancel()
	cluster, is := s.client.(*goredis.ClusterClient)
	if !is {
		return s.client.Exists(ctx, key).Err() == nil
	}
	cluster.ReloadState(ctx) // behind the scenes: the next try knows more
	master, err := cluster.MasterForKey(ctx, key)
	if err != nil {
		return false
	}
	return master.Options().Addr != name && name != everything || master.Exists(ctx, key).Err() == nil
}
