# SPDX-License-Identifier: Apache-2.0
package AcmePlace;

# A machine of one's own, as far as that is possible without one: mounts and
# networks that end with this process.  Needs root.

use strict;
use warnings;
use IO::Socket::INET;

use AcmeServer;

my $starter = $$;
my @mounted;

# <linux/sched.h>, and the numbers of Linux' calls on x86_64 and aarch64.
use constant { NEWNS => 0x00020000, NEWNET => 0x40000000 };
my ($unshare, $setns) = `uname -m` =~ /aarch64/ ? (97, 268) : (272, 308);

sub call { syscall($_[0], $_[1], $_[2] // 0) == 0 or die "$_[3]: $!\n" }
sub sh { system(@_) == 0 or die "@_ failed\n" }

# This process and those that it starts get their own mounts and loopback;
# beyond a cable there is another network, with one socket, which listens.
sub new {
    my ($class) = @_;
    call($unshare, NEWNS | NEWNET, 0, 'unshare');
    sh(qw(mount --make-rprivate /));
    sh(qw(ip link set lo up));
    my $self = bless { port => AcmeServer::free_port(), here => '10.77.0.1',
        there => '10.77.0.2' }, $class;
    open $self->{home}, '<', '/proc/self/ns/net' or die $!;
    call($unshare, NEWNET, 0, 'unshare');
    open $self->{far}, '<', '/proc/self/ns/net' or die $!;
    sh(qw(ip link add far0 type veth peer name near0 netns),
        "/proc/$$/fd/" . fileno $self->{home});
    sh(qw(ip addr add), "$self->{there}/24", qw(dev far0));
    sh(qw(ip link set far0 up));
    $self->{listener} = IO::Socket::INET->new(LocalAddr => $self->{there},
        LocalPort => $self->{port}, Listen => 1024, ReuseAddr => 1)
        or die "cannot listen: $!\n";
    $self->go('home');
    sh(qw(ip addr add), "$self->{here}/24", qw(dev near0));
    sh(qw(ip link set near0 up));
    return $self;
}

sub go {
    my ($self, $where) = @_;
    call($setns, fileno $self->{$where}, NEWNET, 'setns');
}

# The number of the listening socket, for a program that is to inherit it.
sub inherit {
    my ($self) = @_;
    fcntl $self->{listener}, 2, 0 or die $!; # F_SETFD: no FD_CLOEXEC
    return fileno $self->{listener};
}

# unplug: there is no way to the other network; silence: what is sent gets
# there, and nothing comes back.
sub unplug { sh(qw(ip link set near0 down)) }
sub plug   { sh(qw(ip link set near0 up)) }

sub silence {
    my ($self, $off) = @_;
    $self->go('far');
    sh(qw(ip route), $off ? 'del' : 'add', 'blackhole', "$self->{here}/32");
    $self->go('home');
}

# A file system that can be filled.
sub disk {
    my ($self, $dir, $size) = @_;
    mkdir $dir;
    sh(qw(mount -t tmpfs -o), "size=$size,mode=0755", 'none', $dir);
    push @mounted, $dir;
    return $dir;
}

# Before its mount point is removed.
END {
    my $status = $?;
    if ($$ == $starter) {
        system 'umount', '-l', $_ for @mounted;
    }
    $? = $status;
}

1;
